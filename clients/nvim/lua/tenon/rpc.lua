-- One connection: a program that speaks JSON-RPC on its standard streams, one message a line. Not here: what messages mean.
local M = {}
M.__index = M

-- Starts `cmd`. `on.event(subscription, event)` and `on.exit(code, stderr)` run in the main loop, as answers do.
-- Raises an error where the program cannot be started.
function M.start(cmd, on)
  local self = setmetatable({ open = true, waits = {}, last = 0, lines = {} }, M)
  local rest = {}
  local function out(_, data)
    local from = 1
    while data do
      local to = data:find('\n', from, true)
      rest[#rest + 1] = data:sub(from, (to or 0) - 1)
      if not to then
        return
      end
      local line = table.concat(rest)
      rest, from = {}, to + 1
      vim.schedule(function()
        self:take(line, on)
      end)
    end
  end
  self.process = vim.system(cmd, { stdin = true, stdout = out }, function(done)
    vim.schedule(function()
      self.open = false
      local waits = self.waits
      self.waits = {}
      for _, answered in pairs(waits) do
        answered({ code = 0, message = 'the connection to the agent was lost', data = { kind = 'disconnected' } })
      end
      on.exit(done.code, done.stderr or '')
    end)
  end)
  return self
end

function M:take(line, on)
  local ok, message = pcall(vim.json.decode, line, { luanil = { object = true, array = true } })
  if not ok or type(message) ~= 'table' then
    return
  end
  if message.method == 'agent/event' then
    on.event(message.params.subscription, message.params.result)
  elseif not message.method and self.waits[message.id] then
    local answered = self.waits[message.id]
    self.waits[message.id] = nil
    answered(message.error, message.result)
  end
end

function M:write()
  local lines = table.concat(self.lines)
  self.lines = {}
  if self.open and lines ~= '' then
    -- A program that has ended says so by its exit, which is on its way.
    pcall(self.process.write, self.process, lines)
  end
end

-- What is sent in one go arrives in one go: the agent does not act on an answer before it has what goes with it.
function M:send(message)
  message.jsonrpc = '2.0'
  if #self.lines == 0 then
    vim.schedule(function()
      self:write()
    end)
  end
  self.lines[#self.lines + 1] = vim.json.encode(message) .. '\n'
end

-- Sends a request; `answered(error, result)` is called once.
function M:request(method, params, answered)
  self.last = self.last + 1
  self.waits[self.last] = answered
  self:send({ id = self.last, method = method, params = params })
end

function M:notify(method, params)
  self:send({ method = method, params = params })
end

-- Ends the connection, never the agent's work.
function M:close()
  self:write()
  if self.open then
    pcall(self.process.write, self.process, nil)
  end
end

return M
