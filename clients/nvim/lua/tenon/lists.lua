-- What a session did and which there are: picker, log, difference, going back, settings. Not here: the session's own window.
local client = require('tenon.client')
local session = require('tenon.session')
local tenon = require('tenon')

local api = vim.api
local files = require('tenon.files')
local M = {}

-- Calls `done` with the newest session of a workspace, if there is one.
function M.newest(workspace, done)
  client.call('agent/list', { kind = 'session', filter = { workspace = workspace }, limit = 1 }, function(result)
    done(result.items[1])
  end, true)
end

-- Lets a person choose a session, of a workspace or of all.
function M.sessions(workspace)
  local filter = workspace and { workspace = workspace } or nil
  client.call('agent/list', { kind = 'session', filter = filter, limit = 200 }, function(result)
    if #result.items == 0 then
      return tenon.say('there is no session yet; :Tenon ask begins one')
    end
    vim.ui.select(result.items, {
      prompt = 'Session',
      kind = 'tenon',
      format_item = function(item)
        local asks = item.unanswered > 0 and ', asks' or ''
        local where = workspace and '' or ' ' .. vim.fs.basename(vim.uri_to_fname(item.workspace))
        local title = item.title ~= '' and item.title or 'no title'
        return ('%s%s  %s (%s%s)'):format(item.updatedAt:sub(1, 16):gsub('T', ' '), where, title, item.state, asks)
      end,
    }, function(item)
      if item then
        session.open({ sessionId = item.id }, function(s)
          require('tenon.view').show(s)
        end)
      end
    end)
  end, true)
end

-- Shows lines in a window of their own, which `q` closes.
function M.show(name, lines, filetype)
  local buf = vim.fn.bufnr('^' .. vim.fn.fnameescape(name) .. '$')
  if buf == -1 then
    buf = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(buf, name)
    vim.bo[buf].filetype = filetype
    -- Back to where it was asked for.
    vim.keymap.set('n', 'q', function()
      local win = api.nvim_get_current_win()
      vim.cmd.wincmd('p')
      api.nvim_win_close(win, false)
    end, { buffer = buf, desc = 'Close' })
  end
  vim.bo[buf].modifiable = true
  api.nvim_buf_set_lines(buf, 0, -1, false, lines)
  vim.bo[buf].modifiable, vim.bo[buf].modified = false, false
  local win = vim.fn.bufwinid(buf)
  if win == -1 then
    vim.cmd('botright split')
    api.nvim_win_set_buf(0, buf)
  else
    api.nvim_set_current_win(win)
  end
  return buf
end

-- Shows the newest page of the log, a line an event.
function M.log(s)
  client.call('agent/log', { sessionId = s.id, before = ('%s.%d'):format(s.cursor:match('%d+'), s.cursor:match('%.(%d+)') + 1) }, function(result)
    local lines = {}
    for _, event in ipairs(result.events) do
      lines[#lines + 1] = ('%6d %s  %-18s %s'):format(event.seq, event.at:sub(12, 19), event.type, (event.text:gsub('\n', ' ')))
    end
    M.show('tenon://' .. s.id .. '/log', lines, 'tenonlog')
    api.nvim_win_set_cursor(0, { math.max(#lines, 1), 0 })
  end, true)
end

function M.diff(s)
  client.call('agent/diff', { sessionId = s.id }, function(result)
    if #result.files == 0 then
      return tenon.say('this session has changed nothing that is still so')
    end
    local lines = vim.split(result.patch or '', '\n')
    for _, file in ipairs(result.files) do
      if file.problem then
        lines[#lines + 1] = '# ' .. file.problem
      end
    end
    M.show('tenon://' .. s.id .. '/diff', lines, 'diff')
  end, true)
end

local LETTERS = { t = 'turn', c = 'change', k = 'checkpoint' }

-- Calls `done` with where to go back to: what an id or a number of the log names, else before the last turn with changes, or
-- before what was applied of a plan since.
local function target(s, text, done)
  if text:match('^%d+$') then
    return done({ seq = tonumber(text) })
  end
  local kind = LETTERS[text:match('^(%l)_') or '']
  if kind then
    return done({ [kind] = text })
  end
  if text ~= '' and text ~= 'turn:-1' then
    return tenon.say('name a turn, change or checkpoint by its id, or an event of the log by its number', 'ERROR')
  end
  client.call('agent/log', { sessionId = s.id, before = ('%s.%d'):format(s.cursor:match('%d+'), s.cursor:match('%.(%d+)') + 1), types = { 'change.applied', 'session.reverted' } }, function(result)
    local back = {} -- what going back did is no work of a turn
    for i = #result.events, 1, -1 do
      local event = result.events[i]
      local change = event.data.changeId
      if event.type == 'session.reverted' then
        back[change or ''] = true
      elseif not back[change] then
        return done(event.turn and { turn = event.turn } or { change = change })
      end
    end
    tenon.say('no turn of this session has changed a file')
  end, true)
end

local function go_back(s, to, more)
  client.request('agent/revert', vim.tbl_extend('force', { sessionId = s.id, to = to }, more or {}), function(err, result)
    if not err then
      return tenon.say(#result.restored > 0 and 'went back: ' .. files.paths(result.restored) or 'there was nothing to take back')
    end
    tenon.say(err.message, 'ERROR')
  end)
end

-- What can be done about a file that stands in the way, one after the other.
local CHOICES = {
  { id = 'keep', label = 'keep what is there' },
  { id = 'ours-after-backup', label = 'take it back all the same, and keep a copy of what is there' },
  { id = 'merge', label = 'take back our lines and keep the newer ones' },
}

local function resolve(s, to, conflicts, i, resolved)
  local conflict = conflicts[i]
  if not conflict then
    return go_back(s, to, { resolve = resolved })
  end
  local choices = vim.tbl_filter(function(choice)
    return choice.id ~= 'merge' or conflict.mergeable
  end, CHOICES)
  vim.ui.select(choices, {
    prompt = conflict.text,
    kind = 'tenon',
    format_item = function(choice)
      return choice.label
    end,
  }, function(choice)
    if choice then
      resolved[conflict.path] = choice.id
      resolve(s, to, conflicts, i + 1, resolved)
    end
  end)
end

-- Goes back, after showing what that does; `now` does not ask where nothing stands in the way.
function M.revert(s, text, now)
  target(s, text, function(to)
    client.call('agent/revert', { sessionId = s.id, to = to, dryRun = true }, function(would)
      if #would.conflicts > 0 then
        return resolve(s, to, would.conflicts, 1, {})
      elseif #would.restored == 0 then
        return tenon.say('there is nothing to take back' .. (#would.skipped > 0 and '; not covered: ' .. files.paths(would.skipped) or ''))
      elseif now then
        return go_back(s, to)
      end
      local skipped = #would.skipped > 0 and ' (not covered: ' .. files.paths(would.skipped) .. ')' or ''
      vim.ui.select({ 'Take it back', 'Leave it' }, { prompt = files.paths(would.restored) .. skipped, kind = 'tenon' }, function(_, chosen)
        if chosen == 1 then
          go_back(s, to)
        end
      end)
    end)
  end)
end

-- Changes a setting of the session, by name or by choosing from what there is.
function M.configure(s, setting, name)
  local function set(value)
    client.call('agent/configure', { scope = 'session', sessionId = s.id, patch = { [setting] = value } }, function()
      tenon.say(setting .. ' is now ' .. value)
    end)
  end
  if name ~= '' then
    return set(name)
  end
  client.call('agent/list', { kind = setting, limit = 1000 }, function(result)
    local ids = vim.tbl_map(function(item)
      return item.id or item.name
    end, result.items)
    vim.ui.select(ids, { prompt = setting, kind = 'tenon' }, function(id)
      if id then
        set(id)
      end
    end)
  end, true)
end

return M
