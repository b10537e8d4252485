-- The window of a session: its blocks as Markdown, drawn as they grow. Not here: what they mean (session).
local client = require('tenon.client')
local session = require('tenon.session')
local tenon = require('tenon')

local api = vim.api
local M = {}
local space = api.nvim_create_namespace('tenon')
local buffers = {} -- by session id
local GUTTER = '  │ '
local SIGNS = { ok = '✓', failed = '✗', denied = '⊘', interrupted = '■', unknown = '?', running = '…' }

local function lines_of(s, block, previous)
  local text = block.whole and block.text:gsub('\n+$', '') or block.text
  local lines, body = {}, vim.split(text, '\n')
  if block.hidden then
    return lines
  end
  if not (block.kind == 'tool' and previous and previous.kind == 'tool') then
    lines[1] = ''
  end
  local function folded(head)
    lines[#lines + 1] = '▸ ' .. head
    for _, line in ipairs(block.text == '' and {} or body) do
      lines[#lines + 1] = GUTTER .. line
    end
  end
  if block.kind == 'user' then
    local kind = block.by and block.by.id ~= client.id and block.by.kind
    vim.list_extend(lines, { kind and '## You, in ' .. kind or '## You', '' })
    vim.list_extend(lines, body)
  elseif block.kind == 'tool' then
    folded(('%s %s'):format(SIGNS[block.status] or '·', block.title or block.name or 'call'))
  elseif block.kind == 'reasoning' then
    folded('thinking')
  elseif block.kind == 'plan' then
    folded(block.title)
  elseif block.kind == 'request' then
    vim.list_extend(lines, require('tenon.requests').lines(s, block))
  elseif block.kind == 'note' then
    lines[#lines + 1] = '> ' .. block.text:gsub('\n', ' ')
  else
    vim.list_extend(lines, body)
  end
  return vim.tbl_map(function(line)
    return (line:gsub('\n', ' '))
  end, lines)
end

-- Changes the buffer; windows that stood at its end stay there.
local function edit(buf, change)
  local last, follow = api.nvim_buf_line_count(buf), {}
  for _, win in ipairs(vim.fn.win_findbuf(buf)) do
    if api.nvim_win_get_cursor(win)[1] == last then
      follow[#follow + 1] = win
    end
  end
  vim.bo[buf].modifiable = true
  change()
  vim.bo[buf].modifiable, vim.bo[buf].modified = false, false
  last = api.nvim_buf_line_count(buf)
  for _, win in ipairs(follow) do
    api.nvim_win_set_cursor(win, { last, 0 })
  end
end

-- Returns the row at which a block begins, from 0, and its place.
local function place(s, buf, block)
  local row = api.nvim_buf_line_count(buf)
  for i = #s.blocks, 1, -1 do
    row = row - s.blocks[i].n
    if s.blocks[i] == block then
      return row, i
    end
  end
end

local function draw(s, block, added)
  local buf = buffers[s.id]
  if not (buf and api.nvim_buf_is_valid(buf)) then
    return
  end
  local row, i = place(s, buf, block)
  edit(buf, function()
    if added and block.n > 0 and block.drawn then
      local gutter = (block.kind == 'tool' or block.kind == 'reasoning') and GUTTER or ''
      local more = vim.split(added, '\n')
      for k = 2, #more do
        more[k] = gutter .. more[k]
      end
      local at = row + block.n - 1
      api.nvim_buf_set_text(buf, at, -1, at, -1, more)
      block.n = block.n + #more - 1
      return
    end
    local lines = lines_of(s, block, s.blocks[i - 1])
    api.nvim_buf_clear_namespace(buf, space, row, row + block.n)
    api.nvim_buf_set_lines(buf, row, row + block.n, false, lines)
    block.n, block.drawn = #lines, block.text ~= ''
  end)
  if block.kind == 'tool' or block.kind == 'request' then
    M.mark(buf, row, block)
  end
end

-- Colours the head of a call or a question by how it stands, and the lines of a patch.
function M.mark(buf, row, block)
  local state = block.status or block.decision or (block.kind == 'request' and 'asks')
  local groups = { ok = 'DiagnosticOk', failed = 'DiagnosticError', denied = 'DiagnosticWarn', asks = 'DiagnosticWarn' }
  for i, line in ipairs(api.nvim_buf_get_lines(buf, row, row + block.n, false)) do
    local at = row + i - 1
    local patch = block.kind == 'request' and not block.decision and line:match('^[+-]')
    if patch and not line:match('^[+-][+-][+-] ') then
      local group = patch == '+' and 'DiffAdd' or 'DiffDelete'
      api.nvim_buf_set_extmark(buf, space, at, 0, { end_col = #line, hl_group = group })
    elseif vim.startswith(line, '▸') then
      api.nvim_buf_set_extmark(buf, space, at, 0, {
        line_hl_group = groups[state] or 'Comment',
        virt_text = state and { { ' ' .. state, groups[state] or 'Comment' } } or nil,
      })
    end
  end
end

-- The level of a line's fold, by its first characters alone.
function M.fold(number)
  local line = vim.fn.getline(number)
  return vim.startswith(line, '▸') and not vim.startswith(line, '▸ ?') and '>1' or vim.startswith(line, GUTTER) and '1' or '0'
end

function M.foldtext()
  local count = vim.v.foldend - vim.v.foldstart
  return vim.fn.getline(vim.v.foldstart) .. (count > 0 and (' (%d lines)'):format(count) or '')
end

-- Draws blocks that are not drawn yet and follow one another, at once.
local function draw_all(s, first, last)
  local buf = buffers[s.id]
  if not (buf and api.nvim_buf_is_valid(buf)) or first > last then
    return
  end
  local row, lines = place(s, buf, s.blocks[first]), {}
  for i = first, last do
    local block = s.blocks[i]
    local own = lines_of(s, block, s.blocks[i - 1])
    block.n, block.drawn = #own, block.text ~= ''
    vim.list_extend(lines, own)
  end
  edit(buf, function()
    api.nvim_buf_set_lines(buf, row, row, false, lines)
  end)
  for i = first, last do
    local block = s.blocks[i]
    if block.kind == 'tool' or block.kind == 'request' then
      M.mark(buf, row, block)
    end
    row = row + block.n
  end
end

local function redraw(s)
  local buf = buffers[s.id]
  if buf and api.nvim_buf_is_valid(buf) then
    edit(buf, function()
      api.nvim_buf_set_lines(buf, 0, -1, false, { '# ' .. (s.title ~= '' and s.title or 'tenon') })
    end)
    for _, block in ipairs(s.blocks) do
      block.n, block.drawn = 0, false
    end
    draw_all(s, 1, #s.blocks)
  end
end

session.hooks.block = draw
session.hooks.page = draw_all
session.hooks.reset = redraw
session.hooks.state = function()
  vim.cmd.redrawstatus({ bang = true })
end

-- Returns the session's buffer, made where there is none.
function M.buffer(s)
  local buf = buffers[s.id]
  if buf and api.nvim_buf_is_valid(buf) then
    return buf
  end
  buf = api.nvim_create_buf(false, true)
  buffers[s.id] = buf
  api.nvim_buf_set_name(buf, 'tenon://' .. s.id)
  vim.b[buf].tenon_session = s.id
  vim.bo[buf].bufhidden, vim.bo[buf].modifiable = 'hide', false
  vim.bo[buf].filetype = 'tenon'
  pcall(vim.treesitter.start, buf, 'markdown')
  local map = function(key, command, desc)
    vim.keymap.set('n', key, '<Cmd>Tenon ' .. command .. '<CR>', { buffer = buf, desc = desc })
  end
  map('<CR>', 'answer', 'Answer what is asked')
  map('i', 'ask', 'Write a message')
  map('gd', 'review', 'Show the edit in its file')
  map('<C-c>', 'stop', 'Interrupt the turn')
  map('[e', 'earlier', 'Show what came before')
  map('gf', 'whole', 'Show all of what is shortened')
  redraw(s)
  return buf
end

-- Returns the block at the cursor; nothing where another buffer is in front.
function M.at(s)
  local buf = buffers[s.id]
  if buf ~= api.nvim_get_current_buf() then
    return
  end
  local cursor = api.nvim_win_get_cursor(0)[1]
  for _, block in ipairs(s.blocks) do
    local row = place(s, buf, block)
    if cursor > row and cursor <= row + block.n then
      return block
    end
  end
end

-- Shows the session in a window, the one it has or a new one, and goes there.
function M.show(s)
  local buf = M.buffer(s)
  local win = vim.fn.bufwinid(buf)
  if win ~= -1 then
    return api.nvim_set_current_win(win)
  end
  vim.cmd(tenon.config.window)
  win = api.nvim_get_current_win()
  api.nvim_win_set_buf(win, buf)
  for name, value in pairs({
    wrap = true, linebreak = true, number = false, relativenumber = false, signcolumn = 'no', foldmethod = 'expr', foldlevel = 0,
    foldexpr = "v:lua.require'tenon.view'.fold(v:lnum)", foldtext = "v:lua.require'tenon.view'.foldtext()",
    winbar = "%{v:lua.require'tenon'.status()}",
  }) do
    vim.wo[win][0][name] = value
  end
  api.nvim_win_set_cursor(win, { api.nvim_buf_line_count(buf), 0 })
end

return M
