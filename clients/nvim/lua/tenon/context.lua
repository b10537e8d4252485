-- What the person looks at, told to the agent: file, selection, diagnostics, and above all what is not saved. Not here: what
-- the agent does with it.
local client = require('tenon.client')

local api = vim.api
local M = {}
local TEXT_MAX, DIAGNOSTICS_MAX, VISIBLE_MAX = 512 * 1024, 50, 20
local DELAY = 200
local SEVERITIES = { 'error', 'warning', 'information', 'hint' }
local front, sent, timer, group = nil, {}, nil, nil

-- Returns the path of a buffer that is a file of some session's workspace.
local function path_of(buf)
  local name = api.nvim_buf_get_name(buf)
  if vim.bo[buf].buftype ~= '' or name == '' or not api.nvim_buf_is_loaded(buf) then
    return
  end
  for _, session in pairs(client.sessions) do
    if vim.startswith(name, session.workspace .. '/') then
      return name
    end
  end
end

local function text_of(buf)
  local text = table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), '\n') .. (vim.bo[buf].endofline and '\n' or '')
  return #text <= TEXT_MAX and text or nil
end

local function dirty()
  local list = {}
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local path = vim.bo[buf].modified and path_of(buf)
    if path then
      list[#list + 1] = { path = path, text = text_of(buf) }
    end
  end
  return list
end

local function diagnostics()
  local list = {}
  for _, found in ipairs(vim.diagnostic.get()) do
    local path = #list < DIAGNOSTICS_MAX and path_of(found.bufnr)
    if path then
      list[#list + 1] = {
        path = path,
        message = found.message,
        severity = SEVERITIES[found.severity],
        source = found.source,
        range = { start = found.lnum + 1, ['end'] = (found.end_lnum or found.lnum) + 1 },
      }
    end
  end
  return list
end

local function visible()
  local list = {}
  for _, win in ipairs(api.nvim_tabpage_list_wins(0)) do
    local path = path_of(api.nvim_win_get_buf(win))
    if path and path ~= front and #list < VISIBLE_MAX and not vim.list_contains(list, path) then
      list[#list + 1] = path
    end
  end
  return list
end

-- Returns what is selected now, in lines.
local function selection()
  local mode = vim.fn.mode()
  if not (mode == 'v' or mode == 'V' or mode == '\22') or not path_of(0) then
    return
  end
  local from, to = vim.fn.getpos('v'), vim.fn.getpos('.')
  local text = table.concat(vim.fn.getregion(from, to, { type = mode }), '\n')
  local first, last = math.min(from[2], to[2]), math.max(from[2], to[2])
  return { range = { start = first, ['end'] = last }, text = text }
end

-- Tells what is not saved at once: the agent asks before it writes to it.
local function tell_dirty(params)
  local now = dirty()
  if not vim.deep_equal(now, sent.dirty or {}) then
    sent.dirty, params.dirty = now, now
  end
end

-- Sends what changed since it was last sent.
function M.flush()
  if timer then
    timer:stop()
  end
  if client.state ~= 'ready' then
    return
  end
  local params = {}
  tell_dirty(params)
  front = path_of(0) or front
  local now = { uri = front and vim.uri_from_fname(front) or nil, diagnostics = diagnostics(), visible = visible() }
  local selected = selection()
  local moved = now.uri ~= sent.uri or (sent.selection and not selected)
  for name, value in pairs(now) do
    if not vim.deep_equal(value, sent[name] or {}) then
      sent[name], params[name] = value, value
    end
  end
  -- Naming the file takes the selection back.
  if moved then
    params.uri, sent.selection = now.uri, nil
  end
  if selected and not vim.deep_equal(selected, sent.selection) then
    params.selection, sent.selection = selected, selected
  end
  if next(params) then
    client.notify('agent/context', params)
  end
end

local function later()
  timer:start(DELAY, 0, vim.schedule_wrap(M.flush))
end

-- Begins to look, once.
function M.start()
  if group then
    return
  end
  group, timer = api.nvim_create_augroup('tenon.context', {}), vim.uv.new_timer()
  api.nvim_create_autocmd({ 'BufEnter', 'TextChanged', 'TextChangedI', 'DiagnosticChanged', 'CursorMoved', 'ModeChanged', 'WinClosed' }, {
    group = group,
    callback = later,
  })
  api.nvim_create_autocmd({ 'BufModifiedSet', 'BufWritePost', 'BufUnload' }, {
    group = group,
    callback = vim.schedule_wrap(function()
      local params = {}
      tell_dirty(params)
      if params.dirty then
        client.notify('agent/context', params)
      end
    end),
  })
  client.welcomed = function()
    sent = {}
    M.flush()
  end
  front = path_of(0)
  M.flush()
end

return M
