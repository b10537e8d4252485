-- Edits that wait for a person: shown in the file, decided hunk by hunk, taken back. Not here: unsaved files (unsaved.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api
local space = api.nvim_create_namespace('tenon.hunks')
local BEFORE = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n'

T.test('a patch is taken apart', function()
  local parse = require('tenon.hunks').parse
  local files = parse(table.concat({
    'diff --git a/a.txt b/a.txt',
    '--- a/a.txt',
    '+++ b/a.txt',
    '@@ -1,3 +1,2 @@ hunk 1',
    ' one',
    '-two',
    ' three',
    '@@ -9,0 +9,1 @@ hunk 2',
    '+--- a/no header',
    'diff --git "a/\\303\\244 \\"b\\".txt" "b/\\303\\244 \\"b\\".txt"',
    'new file mode 100644',
    '--- /dev/null',
    '+++ "b/\\303\\244 \\"b\\".txt"',
    '@@ -0,0 +1,2 @@ hunk 1',
    '+x',
    '+y',
    '\\ No newline at end of file',
    '',
  }, '\n'))
  T.eq({
    {
      op = 'modify',
      path = 'a.txt',
      hunks = {
        { n = 1, first = 2, old = { 'two' }, new = {} },
        { n = 2, first = 10, old = {}, new = { '--- a/no header' } },
      },
    },
    { op = 'add', path = 'ä "b".txt', hunks = { { n = 1, first = 1, old = {}, new = { 'x', 'y' } } } },
  }, files)
end)

local function marks(buf)
  return api.nvim_buf_get_extmarks(buf, space, 0, -1, { details = true })
end

-- Returns the rows, from 1, of the lines that would come, with these lines.
local function coming(buf)
  local found = {}
  for _, mark in ipairs(marks(buf)) do
    for _, line in ipairs(mark[4].virt_lines or {}) do
      if line[1][2] == 'DiffAdd' then
        table.insert(found, { mark[2] + 1, line[1][1] })
      end
    end
  end
  return found
end

local function press(keys)
  api.nvim_feedkeys(vim.keycode(keys), 'xt', false)
end

T.write('a.txt', BEFORE)
vim.cmd.edit('a.txt')
local buf = api.nvim_get_current_buf()

T.test('the workspace is trusted by its question', function()
  vim.cmd('Tenon ask shout')
  local request = T.asked()
  T.eq('trust', request.kind)
  T.choose = function(items)
    return items[1]
  end
  vim.cmd('Tenon answer')
  T.choose = nil
  T.shows('▸ allow: trust')
  T.rests()
  assert(require('tenon').status():find('idle, review, sandbox', 1, true), require('tenon').status())
end)

T.test('an edit is drawn in its file, and nothing is written', function()
  vim.cmd('Tenon ask shout again')
  T.asked()
  T.told('write a.txt')
  T.wait('hunks', function()
    return #marks(buf) > 0
  end)
  T.eq({ { 2, 'TWO' }, { 8, 'EIGHT' } }, coming(buf))
  T.eq(vim.split(BEFORE:sub(1, -2), '\n'), T.lines(buf))
  T.eq(BEFORE, T.read('a.txt'))
  T.shows('+TWO')
end)

T.test('one hunk is accepted and another rejected, by keys in the file', function()
  vim.cmd('Tenon review')
  T.eq(buf, api.nvim_get_current_buf())
  T.eq(2, api.nvim_win_get_cursor(0)[1])
  press(']h')
  T.eq(8, api.nvim_win_get_cursor(0)[1])
  press('[h')
  press('do')
  T.eq(8, api.nvim_win_get_cursor(0)[1])
  T.eq(BEFORE, T.read('a.txt'))
  press('dr')
  T.wait('the rest is gone', function()
    return #marks(buf) == 0
  end)
  T.eq('', vim.fn.maparg('do', 'n'))
  T.rests()
  local want = BEFORE:gsub('two', 'TWO')
  T.eq(want, T.read('a.txt'))
  T.wait('the buffer is loaded again', function()
    return T.lines(buf)[2] == 'TWO'
  end)
  T.eq(vim.split(want:sub(1, -2), '\n'), T.lines(buf))
  T.eq(false, vim.bo[buf].modified)
end)

T.test('the turn is taken back: file and buffer are as they were, to the byte', function()
  local asked
  T.choose = function(items, options)
    asked = options.prompt
    return items[1], 1
  end
  vim.cmd('Tenon revert')
  T.told('went back: a.txt')
  T.choose = nil
  T.eq('a.txt', asked)
  T.eq(BEFORE, T.read('a.txt'))
  T.wait('the buffer is loaded again', function()
    return T.lines(buf)[2] == 'two'
  end)
  T.eq(vim.split(BEFORE:sub(1, -2), '\n'), T.lines(buf))
  T.eq(false, vim.bo[buf].modified)
end)

T.test('all of an edit is accepted at once', function()
  vim.cmd('Tenon ask whisper')
  T.asked()
  T.wait('hunks', function()
    return #marks(buf) > 0
  end)
  vim.cmd('Tenon review')
  press('dO')
  T.rests()
  T.eq(true, T.read('a.txt'):find('nine\nten\n', 1, true) ~= nil)
end)

T.test('all of an edit is rejected at once, and the agent is told', function()
  local before = T.read('a.txt')
  vim.cmd('Tenon ask once more')
  T.asked()
  vim.cmd('Tenon review')
  press('dR')
  T.shows('▸ ⊘')
  T.rests()
  T.eq(before, T.read('a.txt'))
end)

T.test('a new file is looked at in a buffer of its own', function()
  vim.cmd('Tenon ask a new one')
  T.asked()
  vim.cmd('Tenon review')
  T.eq({ 'local x = 1', 'return x' }, T.lines())
  T.eq('lua', vim.bo.filetype)
  T.eq(nil, T.read('new.lua'))
  press('do')
  T.rests()
  T.eq('local x = 1\nreturn x\n', T.read('new.lua'))
end)

T.test('what a call was denied for is told to the agent', function()
  vim.cmd('Tenon ask a command')
  local request = T.asked()
  T.eq('command', request.subject.type)
  vim.cmd('Tenon deny not on a Sunday')
  T.shows('not on a Sunday')
  T.rests()
end)

T.done()
