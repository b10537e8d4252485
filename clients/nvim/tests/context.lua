-- What the agent is told of what the person looks at: a message takes it along. Not here: what happens to unsaved files (unsaved.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api

-- Returns the context that the newest message took along, as the log has it.
local function taken()
  local client, found = require('tenon.client'), nil
  client.request('agent/log', { sessionId = client.current.id, after = '1.0' }, function(err, result)
    assert(not err, err and err.message)
    for _, event in ipairs(result.events) do
      if event.type == 'prompt.admitted' then
        found = event.data
      end
    end
  end)
  T.wait('the log', function()
    return found
  end)
  return found.context or {}, found.input
end

T.write('src/a.txt', 'one\ntwo\nthree\n')
T.write('src/b.txt', 'four\n')
vim.cmd.edit('src/b.txt')
vim.cmd.split('src/a.txt')
local a = api.nvim_get_current_buf()

T.test('the file in front, what else is visible, and diagnostics', function()
  vim.diagnostic.set(api.nvim_create_namespace('checker'), a, {
    { lnum = 1, col = 0, message = 'two is no number', severity = vim.diagnostic.severity.WARN, source = 'checker' },
  })
  vim.cmd('Tenon ask first')
  T.shows('First.')
  T.rests()
  local context = taken()
  T.eq('src/a.txt', context.path)
  T.eq({ 'src/b.txt' }, context.visible)
  T.eq({
    { path = 'src/a.txt', message = 'two is no number', severity = 'warning', source = 'checker', range = { start = 2, ['end'] = 2 } },
  }, context.diagnostics)
  T.eq(nil, context.dirty)
end)

T.test('what is not saved', function()
  api.nvim_buf_set_lines(a, 0, 1, false, { 'ONE' })
  vim.cmd('Tenon ask second')
  T.shows('Second.')
  T.rests()
  T.eq({ 'src/a.txt' }, taken().dirty)
  vim.cmd('silent write')
  vim.cmd('Tenon ask third')
  T.shows('Third.')
  T.rests()
  T.eq(nil, taken().dirty)
end)

T.test('lines of a range go with the message itself', function()
  vim.cmd('2,3Tenon ask fourth')
  T.shows('Fourth.')
  T.rests()
  local _, input = taken()
  T.eq('selection', input[2].type)
  T.eq({ start = 2, ['end'] = 3 }, input[2].range)
  T.eq('two\nthree\n', input[2].text)
end)

T.test('files outside of the workspace stay unknown', function()
  local outside = vim.fn.tempname()
  T.write(outside, 'secret\n')
  vim.cmd.edit(outside)
  api.nvim_buf_set_lines(0, 0, -1, false, { 'more' })
  vim.cmd('Tenon ask fifth')
  T.shows('Fifth.')
  T.rests()
  local context = taken()
  T.eq('src/a.txt', context.path)
  T.eq(nil, context.dirty)
  vim.cmd('bwipeout!')
end)

T.done()
