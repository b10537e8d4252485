-- A question about some lines, the answer as it comes, and what stands around it. Not here: edits (hunks.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local tenon = require('tenon')

T.test('nothing is loaded before it is used', function()
  T.eq(2, vim.fn.exists(':Tenon'))
  T.eq(nil, package.loaded['tenon.client'])
  T.eq('', tenon.status())
end)

T.test('subcommands complete', function()
  T.eq({ 'accept', 'allow', 'answer', 'apply', 'ask', 'attach' }, vim.fn.getcompletion('Tenon a', 'cmdline'))
  T.eq({ 'read', 'review' }, vim.fn.getcompletion('Tenon profile re', 'cmdline'))
end)

T.test('an unknown subcommand is told with those there are', function()
  vim.cmd('Tenon fly')
  T.told('there is no :Tenon fly; there are accept, allow')
end)

T.test('a question about lines is answered as it streams', function()
  T.write('src/a.txt', 'one\ntwo\nthree\n')
  vim.cmd.edit('src/a.txt')
  vim.cmd('2,3Tenon ask what are these?')
  T.shows('what are these?')
  T.shows('src/a.txt:2-3')
  T.shows('They are numbers.')
  T.rests()
  T.eq('src/a.txt', vim.fn.expand('%'))
  local shown = T.shown()
  local question, answer = shown:find('## You', 1, true), shown:find('They are numbers.', 1, true)
  assert(question < answer, shown)
end)

T.test('the window has Markdown, folds and a bar', function()
  vim.cmd('Tenon attach')
  T.eq('tenon', vim.bo.filetype)
  T.eq('expr', vim.wo.foldmethod)
  T.eq(false, vim.bo.modifiable)
  assert(tenon.status():find('^tenon: idle, read, not trusted, sandbox %d'), tenon.status())
end)

T.test('a second window on the session shows the same', function()
  local buf = vim.api.nvim_get_current_buf()
  vim.cmd('split')
  T.eq(buf, vim.api.nvim_get_current_buf())
  local wins = vim.fn.win_findbuf(buf)
  T.eq(2, #wins)
  vim.cmd('Tenon ask go on')
  T.shows('Of course.')
  T.rests()
  for _, win in ipairs(wins) do
    T.eq(vim.api.nvim_buf_line_count(buf), vim.api.nvim_win_get_cursor(win)[1])
  end
  vim.cmd('close')
end)

T.test('a call of a tool is a fold with its output', function()
  vim.cmd('Tenon ask look at it')
  T.shows('▸ ✓ read src/a.txt')
  T.shows('Three lines.')
  T.rests()
  vim.cmd('Tenon attach')
  local row = vim.fn.search('^▸ ✓ read', 'cw')
  T.eq(row, vim.fn.foldclosed(row))
  assert(vim.fn.foldclosedend(row) > row)
  assert(vim.fn.foldtextresult(row):find('lines)', 1, true), vim.fn.foldtextresult(row))
end)

T.test('a message is written in the prompt, with what it mentions', function()
  vim.cmd('Tenon ask')
  vim.cmd.stopinsert()
  T.eq('tenonprompt', vim.bo.filetype)
  vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'and @src/a.txt?' })
  vim.api.nvim_feedkeys(vim.keycode('<CR>'), 'xt', false)
  T.eq({ '' }, T.lines())
  T.shows('@src/a.txt\n')
  T.shows('I have read it.')
  T.rests()
end)

T.test('files are completed in the prompt', function()
  local items
  require('tenon.client').request('agent/complete', { sessionId = require('tenon.client').current.id, text = '@a.t', at = 4 }, function(_, result)
    items = result.items
  end)
  T.wait('items', function()
    return items
  end)
  T.eq('@src/a.txt', items[1].insert)
end)

T.test('the log and the list of sessions', function()
  vim.cmd('Tenon log')
  T.wait('the log', function()
    return vim.bo.filetype == 'tenonlog'
  end)
  assert(table.concat(T.lines(), '\n'):find('prompt.admitted', 1, true))
  vim.cmd.close()
  local seen
  T.choose = function(items)
    seen = items
  end
  vim.cmd('Tenon sessions')
  T.wait('the picker', function()
    return seen
  end)
  T.eq(1, #seen)
  T.choose = nil
end)

T.test('what the agent cannot do yet is told with what to do instead', function()
  vim.cmd('Tenon profile nothing')
  T.told('nothing')
end)

T.test('the state of health', function()
  vim.cmd('checkhealth tenon')
  local report = table.concat(T.lines(), '\n')
  assert(report:find('sandbox level', 1, true), report)
  assert(not report:find('ERROR', 1, true), report)
end)

T.test('the help has its tags', function()
  T.write('help/doc/tenon.txt', T.read(T.plugin .. '/doc/tenon.txt'))
  vim.cmd('helptags help/doc')
  vim.opt.runtimepath:prepend(vim.fn.getcwd() .. '/help')
  vim.cmd('help :Tenon')
  assert(vim.api.nvim_buf_get_name(0):find('tenon.txt', 1, true))
end)

T.done()
