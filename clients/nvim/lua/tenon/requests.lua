-- What the agent asks a person: shown, answered by one of its options. Not here: edits hunk by hunk (hunks).
local client = require('tenon.client')
local tenon = require('tenon')

local M = {}
-- What is open is not folded away.
local OPEN, ANSWERED = '  ┊ ', '  │ '

-- Returns what stands in the session's buffer for a request.
function M.lines(_, block)
  local request = block.request
  local subject = request.subject or {}
  local answered = block.decision
  local by = block.by and block.by.id ~= client.id and (', in ' .. block.by.kind) or ''
  local gutter = answered and ANSWERED or OPEN
  local lines = { answered and ('▸ %s: %s%s'):format(answered, request.title, by) or ('▸ ? ' .. request.title) }
  local function add(text)
    for _, line in ipairs(vim.split(text, '\n')) do
      lines[#lines + 1] = gutter .. line
    end
  end
  if request.reason then
    add(request.reason)
  end
  local patch = subject.patch and subject.patch:gsub('\n$', '')
  if patch and answered then
    add(patch)
  elseif patch then
    vim.list_extend(lines, { '', '```diff' })
    vim.list_extend(lines, vim.split(patch, '\n'))
    lines[#lines + 1] = '```'
  elseif subject.argv then
    add(('in %s, sandbox %d'):format(subject.cwd, subject.sandbox))
    for _, note in ipairs(subject.notes or {}) do
      add(note)
    end
    add(#(subject.needs or {}) > 0 and 'needs ' .. table.concat(subject.needs, ', ') or subject.exe)
  elseif subject.enables then
    add(table.concat(subject.enables, '\n'))
  elseif subject.hosts then
    add(table.concat(subject.hosts, '\n'))
  elseif subject.how then
    add(subject.how)
  end
  if not answered then
    lines[#lines + 1] = ''
    for _, option in ipairs(request.options) do
      lines[#lines + 1] = '* ' .. option.label
    end
    lines[#lines + 1] = ''
    lines[#lines + 1] = '`<CR>` answers' .. (subject.patch and ', `gd` shows it in the file' or '')
  end
  return lines
end

-- Sends an answer; that somebody else was faster is said, and is no failure.
function M.send(request, decision, more)
  local params = vim.tbl_extend('force', { requestId = request.requestId, decision = decision }, more or {})
  client.request('agent/answer', params, function(err)
    local data = err and err.data or {}
    if data.kind == 'alreadyResolved' then
      -- That the file was saved is an answer by itself.
      if data.decision == 'clean' then
        return
      end
      tenon.say(('answered already: %s%s'):format(data.decision or '', data.by and ' (' .. data.by.kind .. ')' or ''))
    elseif err then
      tenon.say(err.message, 'ERROR')
    end
  end, true)
end

-- Returns the buffers of a conflict's files that are open here with changes.
local function unsaved(s, request)
  local found = {}
  for _, conflict in ipairs(request.subject.conflicts or {}) do
    local buf = vim.fn.bufnr('^' .. vim.fn.fnameescape(s.workspace .. '/' .. conflict.path) .. '$')
    if buf ~= -1 and vim.api.nvim_buf_is_loaded(buf) and vim.bo[buf].modified then
      found[#found + 1] = buf
    end
  end
  return found
end

-- Tells the agent at once what is not saved any more: what it reads next is not to be what was given up.
local function tell()
  if tenon.config.context then
    require('tenon.context').flush()
  end
end

-- Carries out a choice here, then sends it.
local function choose(s, request, option)
  if request.kind == 'conflict' and option.id == 'save' then
    for _, buf in ipairs(unsaved(s, request)) do
      vim.api.nvim_buf_call(buf, function()
        vim.cmd('silent write')
      end)
    end
    tell()
  elseif request.kind == 'conflict' and option.id == 'discard' then
    for _, buf in ipairs(unsaved(s, request)) do
      require('tenon.files').discard(buf)
    end
    -- The answer goes first: that nothing is unsaved any more would be one, too.
    M.send(request, option.id)
    return tell()
  elseif option.id == '_key' then
    local key = vim.fn.inputsecret(('Key for %s: '):format(request.subject.provider))
    if key ~= '' then
      client.call('agent/auth', { provider = request.subject.provider, op = 'submit', key = key })
    end
    return
  end
  M.send(request, option.id)
end

-- Returns the open requests of a session, oldest first.
function M.open(s)
  local open = vim.tbl_values(s.requests)
  table.sort(open, function(a, b)
    return a.requestId < b.requestId
  end)
  return open
end

-- Lets a person choose among the options of a request, the oldest one if there are several.
function M.ask(s, request)
  request = request or M.open(s)[1]
  if not request then
    return tenon.say('nothing is asked')
  end
  local options = vim.list_slice(request.options)
  if request.kind == 'login' then
    table.insert(options, 1, { id = '_key', label = 'Enter a key' })
  end
  vim.ui.select(options, {
    prompt = request.title,
    kind = 'tenon',
    format_item = function(option)
      return option.label
    end,
  }, function(option)
    -- A dialog that was closed is no answer.
    if option and s.requests[request.requestId] then
      choose(s, request, option)
    end
  end)
end

-- Answers the oldest request, or the one shown in this buffer, without a dialog.
function M.decide(s, decision, note)
  local request = M.open(s)[1]
  if not request then
    return tenon.say('nothing is asked')
  end
  for _, option in ipairs(request.options) do
    if option.id == decision then
      if note and note ~= '' then
        return M.send(request, decision, { note = note })
      end
      return choose(s, request, option)
    end
  end
  tenon.say(('"%s" is no answer to: %s'):format(decision, request.title), 'ERROR')
end

-- A request was opened: it is shown where it belongs.
function M.opened(s, request)
  tenon.say(request.title .. ' (:Tenon answer)', 'WARN')
  if request.kind == 'approval' and vim.tbl_get(request, 'subject', 'type') == 'edit' then
    require('tenon.hunks').review({
      id = request.requestId,
      session = s,
      patch = request.subject.patch,
      submit = function(review)
        local accepted, select, note = review:outcome()
        if accepted == 'all' then
          return M.send(request, 'allow')
        elseif accepted == 'none' then
          return M.send(request, 'deny')
        elseif vim.tbl_get(client.hello or {}, 'can', 'approve', 'hunks') then
          return M.send(request, 'allow', { select = select })
        end
        M.send(request, 'deny', { note = note })
      end,
    })
  elseif request.kind == 'conflict' then
    for _, buf in ipairs(unsaved(s, request)) do
      require('tenon.files').conflict(buf, request)
      if vim.fn.bufwinid(buf) ~= -1 then
        M.ask(s, request)
      end
    end
  end
end

function M.resolved(s, data)
  require('tenon.files').clear(data.requestId)
  local hunks = package.loaded['tenon.hunks']
  if hunks then
    hunks.close(data.requestId, s)
  end
end

return M
