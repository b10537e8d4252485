-- A plan from its goal to the disk and back, with a real agent: shown, applied in part by its hunks, and by a step, taken back.
-- Not here: what is sent in rarer cases (plans.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api
local BEFORE = 'one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\nnine\n'

T.write('a.txt', BEFORE)
vim.cmd.edit('a.txt')
local buf = api.nvim_get_current_buf()

local function ready()
  local s = require('tenon.client').current
  return s and s.plan and s.plan.ready
end

T.test('a goal becomes a plan, and nothing is written', function()
  vim.cmd('Tenon plan shout more')
  T.wait('a plan', ready)
  T.shows('plan, ready')
  T.shows('[ ] the first (a.txt)')
  T.rests()
  T.eq(BEFORE, T.read('a.txt'))
  T.eq(vim.split(BEFORE:sub(1, -2), '\n'), T.lines(buf))
end)

T.test('one of its hunks is taken, another is not, and the last is', function()
  vim.cmd('Tenon plan')
  T.eq('tenonplan', vim.bo.filetype)
  api.nvim_feedkeys('r', 'xt', false)
  T.wait('hunks', function()
    return api.nvim_get_current_buf() == buf and vim.fn.maparg('do', 'n') ~= ''
  end)
  api.nvim_feedkeys('do', 'xt', false)
  api.nvim_feedkeys('dr', 'xt', false)
  api.nvim_feedkeys('do', 'xt', false)
  T.told('applied: a.txt')
  local want = BEFORE:gsub('one', 'ONE'):gsub('nine', 'NINE')
  T.eq(want, T.read('a.txt'))
  T.wait('the buffer is loaded again', function()
    return T.lines(buf)[1] == 'ONE'
  end)
  T.shows('[x] the first')
  T.shows('[ ] the rest')
end)

T.test('the rest of a step is applied', function()
  vim.cmd('Tenon apply b')
  T.wait('it is written', function()
    return T.read('a.txt'):find('FIVE', 1, true)
  end)
  T.shows('plan, applied')
  T.eq(false, ready() or false)
end)

T.test('what was applied last is taken back, then all of it', function()
  vim.cmd('Tenon! revert')
  T.told('went back: a.txt')
  local half = BEFORE:gsub('one', 'ONE'):gsub('nine', 'NINE')
  T.eq(half, T.read('a.txt'))
  T.eq(3, #require('tenon.client').current.changes)
  vim.cmd('Tenon! revert 1')
  T.wait('the beginning', function()
    return T.read('a.txt') == BEFORE
  end)
  T.wait('the buffer is loaded again', function()
    return vim.deep_equal(vim.split(BEFORE:sub(1, -2), '\n'), T.lines(buf))
  end)
  T.eq(false, vim.bo[buf].modified)
end)

T.done()
