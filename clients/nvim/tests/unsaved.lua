-- A file with unsaved changes that the agent wants to write: nothing is lost, whatever is chosen. Not here: plain edits (hunks.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api
require('tenon').setup({ profile = 'edit' })

-- Makes a file, opened here with a change that is not saved.
local function unsaved(name)
  T.write(name, 'one\ntwo\n')
  vim.cmd.edit(name)
  api.nvim_buf_set_lines(0, 2, 2, false, { 'mine' })
  return api.nvim_get_current_buf()
end

-- Asks for a change of the file and returns the question about it.
local function conflict(name)
  vim.cmd('Tenon ask change ' .. name)
  local request = T.asked()
  T.eq('conflict', request.kind)
  return request
end

local function choose(id)
  T.choose = function(items)
    for _, item in ipairs(items) do
      if item.id == id then
        return item
      end
    end
  end
  vim.cmd('Tenon answer')
  T.choose = nil
end

T.test('the question stands in the buffer', function()
  local buf = unsaved('a.txt')
  conflict('a.txt')
  T.told('a.txt has changes')
  local marks = api.nvim_buf_get_extmarks(buf, api.nvim_create_namespace('tenon.conflict'), 0, -1, {})
  T.eq(1, #marks)
  -- The dialog was opened, and closing it is no answer.
  T.eq(1, #T.dialogs)
  T.eq('one\ntwo\n', T.read('a.txt'))
end)

T.test('save: my text is written, and the change goes on upon it', function()
  local buf = api.nvim_get_current_buf()
  choose('save')
  T.rests()
  T.eq('ONE\ntwo\nmine\n', T.read('a.txt'))
  T.wait('loaded again', function()
    return T.lines(buf)[1] == 'ONE'
  end)
  T.eq({ 'ONE', 'two', 'mine' }, T.lines(buf))
  T.eq({}, api.nvim_buf_get_extmarks(buf, api.nvim_create_namespace('tenon.conflict'), 0, -1, {}))
end)

T.test('discard: my changes go, and the buffer is as the agent wrote it', function()
  local buf = unsaved('b.txt')
  conflict('b.txt')
  choose('discard')
  T.rests()
  T.eq('ONE\ntwo\n', T.read('b.txt'))
  T.wait('loaded again', function()
    return T.lines(buf)[1] == 'ONE'
  end)
  T.eq({ 'ONE', 'two' }, T.lines(buf))
  T.eq(false, vim.bo[buf].modified)
end)

T.test('wait: it goes on when the file is saved', function()
  unsaved('c.txt')
  local first = conflict('c.txt')
  choose('wait')
  T.wait('it is asked again', function()
    local request = T.asked()
    return request.requestId ~= first.requestId
  end)
  T.eq('one\ntwo\n', T.read('c.txt'))
  vim.cmd('silent write')
  T.rests()
  T.eq('ONE\ntwo\nmine\n', T.read('c.txt'))
end)

T.test('deny: nothing is written, nothing is lost', function()
  local buf = unsaved('d.txt')
  conflict('d.txt')
  choose('deny')
  T.rests()
  T.eq('one\ntwo\n', T.read('d.txt'))
  T.eq({ 'one', 'two', 'mine' }, T.lines(buf))
  T.eq(true, vim.bo[buf].modified)
end)

T.test('the agent reads the text that is not saved', function()
  vim.cmd('Tenon ask read it')
  T.shows('mine')
  T.rests()
end)

T.done()
