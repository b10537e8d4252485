-- The connection to the agent, kept up: handshake, reconnecting, requests that outlive a loss. Not here: what events do (session).
local tenon = require('tenon')
local rpc = require('tenon.rpc')

local M = {
  state = 'off', -- off, connecting, ready, lost
  sessions = {}, -- open ones, by id
  subscriptions = {}, -- sessions, by the subscription's id
  current = nil, -- the session in use
  hello = nil, -- what the agent said about itself
  welcomed = nil, -- called when there is an agent, and after a loss again
  id = ('nvim-%d-%x'):format(vim.fn.getpid(), vim.uv.hrtime() % 0xffffff),
}
local PAUSE_MAX, TRIES_MAX = 5000, 40
local waiting, tries = {}, 0

local function program(...)
  local cmd = tenon.config.cmd
  return vim.list_extend(type(cmd) == 'table' and vim.list_slice(cmd) or { cmd }, { ... })
end
M.program = program

local function each(f)
  for _, session in pairs(M.sessions) do
    f(session)
  end
end

local function fail(message)
  M.state, tries = 'off', 0
  local all = waiting
  waiting = {}
  for _, ready in ipairs(all) do
    ready({ code = 0, message = message, data = { kind = 'unreachable' } })
  end
  each(function(session)
    session:connection(message)
  end)
  return message
end

-- What a person reads where the program does not run.
local function missing()
  local name = program()[1]
  return ('cannot start "%s": install tenon, or say where it is: require("tenon").setup({ cmd = "/path/to/tenon" })'):format(name)
end

local function lost(code, stderr)
  M.subscriptions = {}
  local was = M.state
  if was == 'off' then
    return
  end
  local said = vim.trim(stderr)
  if was == 'connecting' and tries == 0 and code ~= 75 and code ~= 0 then
    if code == 2 then
      said = ('"%s" is too old for this plugin, update it: %s'):format(program()[1], said)
    end
    return fail(said ~= '' and said or ('tenon attach ended with ' .. code))
  end
  if code == 1 and #waiting == 0 then
    return fail('the agent was stopped; your next message starts it again')
  end
  tries = tries + 1
  if tries > TRIES_MAX then
    return fail('the agent cannot be reached: ' .. said .. '; try again with :Tenon attach')
  end
  M.state = 'lost'
  if was == 'ready' then
    each(function(session)
      session:connection('the connection was lost; reconnecting')
    end)
  end
  vim.defer_fn(M.connect, math.min(50 * 2 ^ math.min(tries - 1, 10), PAUSE_MAX))
end

local function welcome(err, result)
  if err then
    if vim.tbl_get(err, 'data', 'kind') == 'unsupportedProtocol' then
      local newer = (vim.tbl_get(err, 'data', 'supported', 1) or 0) > 1
      local which = newer and 'this plugin is too old, update it' or 'the agent that runs is too old: `tenon stop`, then update tenon'
      fail(which .. ' (' .. err.message .. ')')
      M.conn:close()
    end
    return -- a lost connection is told by its exit
  end
  M.hello = vim.tbl_get(result, 'capabilities', 'experimental', 'agent')
  if not M.hello then
    fail(('"%s attach" is not an agent of tenon'):format(program()[1]))
    return M.conn:close()
  end
  M.state, tries = 'ready', 0
  if M.welcomed then
    M.welcomed()
  end
  each(function(session)
    session:observe(true)
  end)
  local all = waiting
  waiting = {}
  for _, ready in ipairs(all) do
    ready()
  end
end

function M.connect()
  if M.state == 'connecting' or M.state == 'ready' then
    return
  end
  M.state = 'connecting'
  local ok, conn = pcall(rpc.start, program('attach'), {
    exit = lost,
    event = function(subscription, event)
      local session = M.subscriptions[subscription]
      if session then
        session:take(event)
      end
    end,
  })
  if not ok then
    return fail(missing())
  end
  M.conn = conn
  local agent = {
    protocol = { 1 },
    client = { id = M.id, kind = 'nvim', version = tenon.version },
    role = 'controller',
    render = { approval = vim.empty_dict(), markdown = vim.empty_dict(), diff = { forms = { 'patch', 'files' } }, plan = { tree = vim.empty_dict() } },
    events = { delta = { maxPerSecond = 30 } },
  }
  conn:request('initialize', {
    processId = vim.fn.getpid(),
    rootUri = vim.NIL,
    clientInfo = { name = 'nvim', version = tenon.version },
    capabilities = { experimental = { agent = agent } },
  }, welcome)
end

-- Calls `ready(error)` once there is an agent.
function M.ready(ready)
  if M.state == 'ready' then
    return ready()
  end
  waiting[#waiting + 1] = ready
  if M.state == 'off' then
    M.connect()
  end
end

-- Sends a request as soon as there is an agent. With `again` it is repeated after a loss: what bears that has a key or only reads.
function M.request(method, params, answered, again)
  M.ready(function(unreachable)
    if unreachable then
      return answered(unreachable)
    end
    M.conn:request(method, params, function(err, result)
      local kind = vim.tbl_get(err or {}, 'data', 'kind')
      if again and (kind == 'disconnected' or kind == 'draining') then
        waiting[#waiting + 1] = function(gone)
          if gone then
            return answered(gone)
          end
          M.request(method, params, answered, again)
        end
        return
      end
      answered(err, result)
    end)
  end)
end

-- As `request`; an error is shown, and `done(result)` is called only where there is none.
function M.call(method, params, done, again)
  M.request(method, params, function(err, result)
    if err then
      local hints = vim.tbl_get(err, 'data', 'hints') or {}
      return tenon.say(table.concat({ err.message, unpack(hints) }, '\n'), 'ERROR')
    end
    if done then
      done(result)
    end
  end, again)
end

function M.notify(method, params)
  if M.state == 'ready' then
    M.conn:notify(method, params)
  end
end

return M
