-- What a window does not show at once: texts that are too large, and what came before its beginning. Not here: the conversation
-- as it happens (conversation.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api

-- Returns the row, from 1, of a text in the session's window.
local function row(text)
  for i, line in ipairs(T.lines()) do
    if line:find(text, 1, true) then
      return i
    end
  end
end

-- Asks, and waits for the answer.
local function ask(text, answer)
  vim.cmd('Tenon ask ' .. text)
  T.shows(answer)
  T.rests()
  -- A sign of life: on a busy machine each of these takes a while.
  T.out('     ' .. answer)
end

T.write('a.txt', 'one\n')

T.test('a text of more than a mebibyte is shown by its beginning, and all of it on request', function()
  ask('the first', 'The very first.')
  ask('a saga', 'shows all of it')
  vim.cmd('Tenon attach')
  T.shows('[1.1 MB; `gf` shows all of it')
  api.nvim_win_set_cursor(0, { row('[1.1 MB;'), 0 })
  api.nvim_feedkeys('gf', 'xt', false)
  T.wait('the saga', function()
    return vim.startswith(T.lines()[1], 'saga, line 1.')
  end)
  T.eq('markdown', vim.bo.filetype)
  T.eq('saga, line 6700', T.lines()[6700]:match('^[^.]*'))
  api.nvim_feedkeys('q', 'xt', false)
  T.eq('tenon', vim.bo.filetype)
end)

T.test('what a snapshot shortens is read from the log', function()
  ask('many things', 'All was read.')
  ask('a tale', 'tale, line 450.')
  -- As another Neovim would find it.
  local client = require('tenon.client')
  client.sessions, client.current = {}, nil
  vim.cmd('Tenon attach')
  T.shows('[shortened; `gf` shows all of it')
  assert(not T.shown():find('tale, line 450.', 1, true))
  api.nvim_win_set_cursor(0, { row('[shortened; `gf`'), 0 })
  vim.cmd('Tenon whole')
  T.wait('the tale', function()
    return vim.startswith(T.lines()[450] or '', 'tale, line 450.')
  end)
  api.nvim_feedkeys('q', 'xt', false)
end)

T.test('what came before is paged in, above what is looked at', function()
  vim.cmd('Tenon attach')
  assert(not T.shown():find('The very first.', 1, true))
  T.shows('there is more before this')
  local looked_at = row('read a.txt')
  api.nvim_win_set_cursor(0, { looked_at, 0 })
  local text = api.nvim_get_current_line()
  while not T.shown():find('The very first.', 1, true) do
    local before = #T.lines()
    api.nvim_feedkeys('[e', 'xt', false)
    T.wait('a page', function()
      return #T.lines() > before
    end)
  end
  assert(api.nvim_win_get_cursor(0)[1] > looked_at)
  T.eq(text, api.nvim_get_current_line())
  assert(not T.shown():find('there is more before this', 1, true))
  T.eq({ '## You', '', 'the first' }, vim.list_slice(T.lines(), 3, 5))
  local _, calls = T.shown():gsub('read a.txt', '')
  T.eq(110, calls)
  local _, tales = T.shown():gsub('a tale', '')
  T.eq(1, tales)
  vim.cmd('Tenon earlier')
  T.told('this is the beginning')
end)

T.done()
