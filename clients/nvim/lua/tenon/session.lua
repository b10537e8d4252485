-- One session: opened, observed behind its cursor, prompted. Not here: what its events mean (fold).
local client = require('tenon.client')

-- What a session can do besides is in `fold`.
local M = require('tenon.fold')
M.__index = M

local function attach(result)
  local item = result.session
  local self = client.sessions[item.id] or setmetatable({ id = item.id }, M)
  self.workspace = vim.uri_to_fname(item.workspace)
  self:picture(result)
  client.sessions[self.id], client.current = self, self
  self:observe()
  return self
end

-- Opens a session, a new one if `params` name none; `done(session)`, or with `failed` its error.
function M.open(params, done, failed)
  local known = client.sessions[params.sessionId or '']
  if known then
    client.current = known
    return done(known)
  end
  local answered = function(result)
    done(attach(result))
  end
  if not failed then
    return client.call('agent/open', params, answered)
  end
  client.request('agent/open', params, function(err, result)
    if err then
      return failed(err)
    end
    answered(result)
  end)
end

-- Observes the log behind the last event that was taken; `again` brings the caller's keys back to the agent.
function M:observe(again)
  client.request('agent/observe', { sessionId = self.id, after = self.cursor }, function(err, subscription)
    local kind = vim.tbl_get(err or {}, 'data', 'kind')
    if kind == 'cursorExpired' then
      client.request('agent/open', { sessionId = self.id }, function(failed, result)
        if failed then
          return self:connection(failed.message)
        end
        self:picture(result)
        self:observe()
      end)
    elseif kind == 'disconnected' then
      return -- the next connection observes again
    elseif err then
      if kind == 'sessionNotFound' then
        client.sessions[self.id] = nil
      end
      self:connection(err.message)
    else
      client.subscriptions[subscription] = self
      if again then
        self:connection()
        client.request('agent/open', { sessionId = self.id }, function() end)
      end
    end
  end)
end

-- Takes one event of the subscription, or a delta; what was seen already is passed over.
function M:take(event)
  if event.d then
    return self:delta(event)
  end
  if event.type == 'observe.closed' then
    if event.data.reason == 'deleted' then
      client.sessions[self.id] = nil
      return self:note('gone', 'this session was deleted')
    end
    self.cursor = event.data.cursor or self.cursor
    return self:observe()
  end
  if not event.seq then
    return
  end
  local epoch, seq = self.cursor:match('(%d+)%.(%d+)')
  if event.epoch == tonumber(epoch) and event.seq <= tonumber(seq) then
    return
  end
  self.cursor = ('%d.%d'):format(event.epoch, event.seq)
  self:fold(event)
end

-- Sends a message; a repetition after a loss is safe.
function M:prompt(input, options)
  local params = vim.tbl_extend('force', options or {}, {
    sessionId = self.id,
    input = input,
    key = ('%s-%x'):format(client.id, vim.uv.hrtime()),
  })
  client.call('agent/prompt', params, function(result)
    self:tell('sent', result)
  end, true)
end

return M
