-- A session's events, folded into blocks that a view draws. Not here: where events come from (session), drawing (view).
local M = {}

-- Called with (session, what, ...) for what other modules care about: request, resolved, files, plan, state, block, page.
-- They are loaded when the first such thing happens.
M.hooks = {
  request = function(...)
    require('tenon.requests').opened(...)
  end,
  resolved = function(...)
    require('tenon.requests').resolved(...)
  end,
  files = function(...)
    require('tenon.files').changed(...)
  end,
}

function M:tell(what, ...)
  local hook = M.hooks[what]
  if hook then
    hook(self, ...)
  end
end

-- Takes a snapshot in place of all that was known.
function M:picture(result)
  local shot = result.snapshot
  self.title, self.model, self.chosen = result.session.title, result.session.model, result.session.profile
  -- What is in force: without trust that is `read`, whatever was chosen.
  self.profile = vim.tbl_get(shot, 'settings', 'profile') or self.chosen
  self.state, self.trust, self.queue, self.cursor = shot.state, shot.trust, shot.queue, result.cursor
  self.blocks, self.index, self.requests, self.asks, self.plan, self.anchor = {}, {}, {}, 0, nil, nil
  self.before, self.changes = shot.before, {}
  self.turn = shot.turnId
  self:tell('reset')
  if shot.before then
    self:note('earlier', 'there is more before this: `[e` shows it (`:Tenon earlier`)')
  end
  for _, item in ipairs(shot.items) do
    self:fold(item, true)
  end
  for _, message in ipairs(shot.queue) do
    self:note('waits' .. message.messageId, 'waits: ' .. M.text(message.input))
  end
  -- The newest comes first, and is the one that counts.
  for i = #shot.plans, 1, -1 do
    self:fold({ type = 'plan.changed', data = shot.plans[i] })
  end
  for _, request in ipairs(shot.requests) do
    self:fold({ type = 'request.opened', data = request })
  end
  self:tell('state')
end

-- Returns a content as text, as Markdown shows it.
function M.text(content)
  local parts = {}
  for _, part in ipairs(type(content) == 'table' and content or {}) do
    local lines = part.range and (':%d-%d'):format(part.range.start, part.range['end']) or ''
    if part.type == 'text' then
      parts[#parts + 1] = part.text
    elseif part.type == 'selection' then
      parts[#parts + 1] = ('%s%s\n```\n%s\n```'):format(part.path, lines, (part.text:gsub('\n$', '')))
    elseif part.type == 'file' then
      parts[#parts + 1] = '@' .. part.path .. lines
    elseif part.whole then
      parts[#parts + 1] = ('%s…\n\n[%.1f MB; `gf` shows all of it (`:Tenon whole`)]'):format(part.title or '', part.bytes / 1e6)
    elseif part.type == 'image' or part.type == 'ref' then
      parts[#parts + 1] = ('[%s %s]'):format(part.type, part.title or part.ref or part.mime)
    end
  end
  return table.concat(parts, '\n')
end

-- Returns the reference of what is too large for a message, if there is any.
local function ref_of(content)
  for _, part in ipairs(content or {}) do
    if part.whole then
      return part.ref
    end
  end
end

-- Returns the block of an id, made at the end, or at `at`, where there is none.
function M:block(id, kind, at)
  local block = self.index[id]
  if not block then
    block = { id = id, kind = kind, text = '', n = 0 }
    self.index[id] = block
    table.insert(self.blocks, at or #self.blocks + 1, block)
  end
  return block
end

function M:set(block, fields)
  for name, value in pairs(fields) do
    block[name] = value
  end
  self:tell('block', block)
end

function M:note(id, text)
  self:set(self:block(id, 'note'), { text = text })
end

-- Tells how the connection stands; nothing takes it back.
function M:connection(problem)
  if problem or self.index.connection then
    self:set(self:block('connection', 'note'), { text = problem or 'the connection was lost; connected again' })
    if not problem then
      self.index.connection = nil -- a later loss is a note of its own
    end
  end
  self:tell('state')
end

function M:delta(delta)
  local block = self.index[delta.d]
  -- What does not follow on is left to the event that closes the item.
  if block and not block.whole and delta.from == #block.text then
    block.text = block.text .. delta.t
    self:tell('block', block, delta.t)
  end
end

local function gone(self, data)
  local note = self.index['waits' .. data.messageId]
  if note then
    self:set(note, { hidden = true })
  end
  for i, message in ipairs(self.queue) do
    if message.messageId == data.messageId then
      table.remove(self.queue, i)
    end
  end
end

-- Tells whether something of a plan is staged and not applied yet.
local function can_apply(data)
  local open = data.changeId and not data.dropped
  return open and vim.iter(data.tree or {}):any(function(step)
    return step.status ~= 'done' and step.status ~= 'dropped'
  end)
end

local function plan(self, data)
  local ready = can_apply(data)
  -- The list of steps of an ordinary turn does not take the place of a plan that waits.
  if ready or not (self.plan and self.plan.ready) or self.plan.planId == data.planId then
    self.plan = vim.tbl_extend('force', data, { ready = ready })
  end
  local lines = {}
  for _, step in ipairs(data.tree or {}) do
    local files = step.files and #step.files > 0 and ' (' .. table.concat(step.files, ', ') .. ')' or ''
    lines[#lines + 1] = ('[%s] %s%s'):format(step.status == 'done' and 'x' or ' ', step.title, files)
  end
  local title = 'plan'
  if data.dropped then
    title = 'plan, thrown away'
  elseif ready then
    title = 'plan, ready: `:Tenon plan` shows it, `:Tenon apply` applies it'
  elseif data.changeId then
    title = 'plan, applied'
  end
  self:set(self:block(data.planId or 'plan', 'plan'), { title = title, text = table.concat(lines, '\n'), whole = true })
  self:tell('plan')
end

-- What each type does; the text of a type that is not here is shown, and `false` is nothing to show.
local folds = {
  ['session.state'] = function(self, data)
    self.state = data.state
  end,
  ['session.changed'] = function(self, data)
    self.title = data.title or self.title
    local profile = vim.tbl_get(data, 'settings', 'profile')
    self.chosen = profile or self.chosen
    self.profile = self.trust == 'trusted' and profile or self.profile
    self.model = vim.tbl_get(data, 'settings', 'model') or self.model
  end,
  ['prompt.admitted'] = function(self, data)
    if data.outcome == 'queued' or data.outcome == 'steered' then
      table.insert(self.queue, data)
      self:note('waits' .. data.messageId, 'waits: ' .. M.text(data.input))
    end
  end,
  ['prompt.delivered'] = gone,
  ['prompt.changed'] = function(self, data)
    if data.op == 'withdraw' then
      gone(self, data)
    elseif data.op == 'replace' then
      self:note('waits' .. data.messageId, 'waits: ' .. M.text(data.input))
    end
  end,
  ['turn.started'] = function(self, _, event)
    self.turn = event.turn
  end,
  ['turn.ended'] = function(self, data, event)
    self.turn = nil
    if data.stop ~= 'done' then
      local why = vim.tbl_get(data, 'error', 'message')
      local told = why and not event.text:find(why, 1, true)
      self:note(event.turn, event.text .. (told and ': ' .. why or ''))
    end
    self:tell('ended', data, event)
  end,
  ['attempt.ended'] = function(self, data, event)
    if data.outcome == 'failed' and data.retryAt then
      self:note('attempt' .. event.seq, event.text)
    end
  end,
  ['message.started'] = function(self, data)
    self:block(data.messageId, data.role)
  end,
  ['message.ended'] = function(self, data, _, old)
    if data.superseded then
      local block = self.index[data.messageId]
      if block then
        self:set(block, { text = '', hidden = true, whole = true })
      end
      return
    end
    -- In a snapshot the calls of a step come before the message that made them.
    local at = old and data.role ~= 'user' and self.anchor or nil
    self:set(self:block(data.messageId, data.role, at), { text = M.text(data.content), by = data.by, ref = ref_of(data.content), whole = true })
    self.anchor, self.closed = at and at + 1, true
    self:tell('message', data)
  end,
  ['tool.proposed'] = function(self, data)
    if self.closed then
      self.anchor, self.closed = #self.blocks + 1, false
    end
    self:set(self:block(data.callId, 'tool'), { title = data.title, name = data.name, call = data.kind })
  end,
  ['tool.started'] = function(self, data)
    self:set(self:block(data.callId, 'tool'), { status = 'running' })
  end,
  ['tool.ended'] = function(self, data)
    local block = self:block(data.callId, 'tool')
    self:set(block, { status = data.status, text = M.text(data.content), ref = data.ref or ref_of(data.content), whole = true })
    if block.call == 'execute' then
      self:tell('files')
    end
  end,
  ['change.applied'] = function(self, data)
    table.insert(self.changes, data.changeId)
    self:tell('files', data.files)
  end,
  ['session.reverted'] = function(self, data, event)
    self:note('revert' .. event.seq, event.text)
    self:tell('files')
  end,
  ['plan.changed'] = plan,
  ['plan.ready'] = plan,
  ['request.opened'] = function(self, data)
    self.requests[data.requestId], self.asks = data, self.asks + 1
    self:set(self:block(data.requestId, 'request'), { title = data.title, request = data })
    self:tell('request', data)
  end,
  ['request.resolved'] = function(self, data)
    local request = self.requests[data.requestId]
    if request then
      self.requests[data.requestId], self.asks = nil, self.asks - 1
      self:set(self.index[data.requestId], {
        decision = data.decision .. (data.select and ', in part' or ''),
        by = data.by,
      })
    end
    if request and request.kind == 'trust' and data.decision == 'allow' then
      self.trust, self.profile = 'trusted', self.chosen
    end
    self:tell('resolved', data)
  end,
}
for _, type in ipairs({ 'session.created', 'context.set', 'usage.changed', 'attempt.started', 'change.started', 'change.staged' }) do
  folds[type] = function() end
end

-- Folds one event, or an item of a snapshot (`old`).
function M:fold(event, old)
  local fold = folds[event.type]
  if fold then
    fold(self, event.data, event, old)
  elseif event.text and event.seq then
    self:note(event.type .. event.seq, event.text)
  end
  local block = event.cut and self.index[event.data.messageId or event.data.callId or '']
  if block then
    self:set(block, { cut = event.seq, text = block.text .. '\n\n[shortened; `gf` shows all of it (`:Tenon whole`)]' })
  end
  self:tell('state', event)
end

return M
