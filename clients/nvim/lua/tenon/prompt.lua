-- The window a message is written in. Not here: what may stand behind @ and / (complete), sending (session).
local tenon = require('tenon')

local api = vim.api
local M = {}
local buffers = {}

-- Makes the content of a message: its text, and the files it mentions as @path or @"a path".
function M.input(s, text)
  local input, seen = { { type = 'text', text = text } }, {}
  local function add(path)
    local there = path ~= '' and not seen[path] and vim.uv.fs_stat(path:sub(1, 1) == '/' and path or s.workspace .. '/' .. path)
    if there then
      seen[path] = true
      input[#input + 1] = { type = 'file', path = path }
    end
    return there
  end
  for quoted in (' ' .. text):gmatch('%s@"([^"]+)"') do
    add(quoted)
  end
  for path in (' ' .. text):gmatch('%s@([^%s"]+)') do
    -- The end of a sentence is no part of a name, unless there is such a file.
    if not add(path) then
      add((path:gsub('[%.,;:!?%)]+$', '')))
    end
  end
  return input
end

local pieces = {} -- what goes along with the next message, by session

local function send(s, options)
  local buf = buffers[s.id]
  local text = vim.trim(table.concat(api.nvim_buf_get_lines(buf, 0, -1, false), '\n'))
  if text ~= '' then
    api.nvim_buf_set_lines(buf, 0, -1, false, {})
    local input = M.input(s, text)
    input[#input + 1], pieces[s.id] = pieces[s.id], nil
    M.send(s, input, options)
  end
end

-- Sends a message with what the person looks at.
function M.send(s, input, options)
  if tenon.config.context then
    require('tenon.context').flush()
  end
  s:prompt(input, options)
end

-- Opens the prompt of a session beneath its window, and goes there; `piece` goes along with the message.
function M.open(s, piece)
  pieces[s.id] = piece
  require('tenon.view').show(s)
  local buf = buffers[s.id]
  if not (buf and api.nvim_buf_is_valid(buf)) then
    buf = api.nvim_create_buf(false, true)
    buffers[s.id] = buf
    api.nvim_buf_set_name(buf, 'tenon://' .. s.id .. '/prompt')
    vim.b[buf].tenon_session = s.id
    vim.bo[buf].filetype = 'tenonprompt'
    vim.bo[buf].omnifunc = "v:lua.require'tenon.complete'.omni"
    -- Local to a buffer from 0.11 on; what is global before that is the person's.
    pcall(api.nvim_set_option_value, 'completeopt', 'menuone,noinsert,noselect', { buf = buf })
    local map = function(modes, key, options, desc)
      vim.keymap.set(modes, key, function()
        send(s, options)
      end, { buffer = buf, desc = desc })
    end
    map('n', '<CR>', nil, 'Send')
    map({ 'n', 'i' }, '<C-s>', nil, 'Send')
    map({ 'n', 'i' }, '<M-CR>', { delivery = 'steer' }, 'Send into the running turn')
    api.nvim_create_autocmd({ 'TextChangedI', 'TextChangedP' }, {
      buffer = buf,
      callback = function()
        require('tenon.complete').typed(s)
      end,
    })
  end
  local win = vim.fn.bufwinid(buf)
  if win == -1 then
    vim.cmd('belowright ' .. tenon.config.prompt_height .. 'split')
    win = api.nvim_get_current_win()
    api.nvim_win_set_buf(win, buf)
    vim.wo[win][0].winfixheight = true
  end
  local about = piece and ('about %s:%d-%d'):format(vim.fs.basename(piece.path), piece.range.start, piece.range['end']) or ''
  vim.wo[win][0].winbar = about:gsub('%%', '%%%%') .. '%=<C-s> sends, @ names files, / commands'
  api.nvim_set_current_win(win)
end

return M
