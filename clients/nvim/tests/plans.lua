-- Plans and going back: what is shown, chosen and sent. The agent's side of it is played here, from the examples of the protocol.
-- Not here: the agent's own steps (conversation.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local api = vim.api
local client = require('tenon.client')
local session = require('tenon.session')

-- A session that needs no agent, and what is asked of one.
local sent, answers = {}, {}
client.request = function(method, params, answered)
  table.insert(sent, { method, params })
  local answer = answers[method]
  answer = type(answer) == 'function' and answer(params) or answer or {}
  answered(answer.error, answer.result)
end
client.call = function(method, params, done)
  client.request(method, params, function(err, result)
    assert(not err, err and err.message)
    if done then
      done(result)
    end
  end)
end
T.write('a.txt', 'one\ntwo\nthree\n')
T.write('.git/HEAD', '')
local s = setmetatable({ id = 's_1', workspace = vim.fn.getcwd() }, session)
client.sessions.s_1, client.current = s, s
s:picture({
  session = { title = 'a plan', model = 'any/model', profile = 'review' },
  snapshot = { state = 'idle', trust = 'trusted', queue = {}, items = {}, plans = {}, requests = {}, settings = { profile = 'review' } },
  cursor = '1.1',
})

local TREE = {
  { id = '1', title = 'rename it', status = 'done', files = { 'a.txt' }, edits = { { path = 'a.txt', hunks = { 1 } } } },
  { id = '2', title = 'test it', status = 'pending' },
}
local function ready()
  s:take({ seq = 2 + #sent, epoch = 1, type = 'plan.ready', text = 'ready', data = { planId = 'p_1', rev = 3, tree = TREE, changeId = 'c_1' } })
end

local function newest(method)
  for i = #sent, 1, -1 do
    if sent[i][1] == method then
      return sent[i][2]
    end
  end
end

T.test('a goal is sent as a plan', function()
  answers['agent/plan'] = { result = { outcome = 'started', planId = 'p_1', seq = 2 } }
  vim.cmd('Tenon plan rename the thing in @a.txt')
  local params = newest('agent/plan')
  T.eq({ { type = 'text', text = 'rename the thing in @a.txt' }, { type = 'file', path = 'a.txt' } }, params.goal)
  assert(params.key)
end)

T.test('the tree of steps is shown, and follows', function()
  ready()
  T.shows('plan, ready')
  T.shows('[x] rename it (a.txt)')
  vim.cmd('Tenon plan')
  T.eq('tenonplan', vim.bo.filetype)
  local lines = T.lines()
  T.eq('# Plan, revision 3, ready', lines[1])
  T.eq('✓ 1  rename it', lines[2])
  T.eq('      a.txt', lines[3])
  T.eq('· 2  test it', lines[4])
end)

T.test('a step is applied, and all of it', function()
  answers['agent/apply'] = { result = { applied = { { path = 'a.txt' } }, conflicts = {}, seq = 9 } }
  api.nvim_win_set_cursor(0, { 4, 0 })
  api.nvim_feedkeys('a', 'xt', false)
  T.eq({ sessionId = 's_1', planId = 'p_1', rev = 3, steps = { '2' } }, newest('agent/apply'))
  api.nvim_feedkeys('A', 'xt', false)
  T.eq({ sessionId = 's_1', planId = 'p_1', rev = 3 }, newest('agent/apply'))
  T.told('applied: a.txt')
  vim.cmd('Tenon apply 1 2')
  T.eq({ '1', '2' }, newest('agent/apply').steps)
end)

T.test('its hunks are reviewed in the files, and those accepted are applied', function()
  vim.cmd.close()
  answers['agent/diff'] = {
    result = {
      files = {},
      patch = 'diff --git a/a.txt b/a.txt\n--- a/a.txt\n+++ b/a.txt\n@@ -1,2 +1,2 @@ hunk 1\n-one\n+ONE\n two\n@@ -3,1 +3,2 @@ hunk 2\n three\n+four\n',
    },
  }
  require('tenon.plan').review(s)
  T.eq('p_1', newest('agent/diff').to)
  T.eq('a.txt', vim.fn.expand('%:t'))
  api.nvim_feedkeys('dr', 'xt', false)
  api.nvim_feedkeys('do', 'xt', false)
  T.eq({ { path = 'a.txt', hunks = { 2 } } }, newest('agent/apply').select)
  T.eq({ 'one', 'two', 'three' }, T.lines())
end)

T.test('where something stands in the way a person chooses', function()
  answers['agent/apply'] = function(params)
    if params.resolve then
      return { result = { applied = { { path = 'a.txt' } }, conflicts = {} } }
    end
    local conflict = { path = 'a.txt', kind = 'edited', mergeable = true, text = 'a.txt was edited since' }
    return { error = { code = 1202, message = 'a.txt was edited since it was staged', data = { kind = 'conflict', conflicts = { conflict } } } }
  end
  T.choose = function(items)
    return items[1]
  end
  vim.cmd('Tenon apply')
  T.eq('merge', newest('agent/apply').resolve)
end)

T.test('going back shows first what it does', function()
  answers['agent/log'] = { result = { events = { { turn = 't_1', seq = 4, data = {} }, { turn = 't_2', seq = 5, data = { changeId = 'c_2' } } } } }
  answers['agent/revert'] = function(params)
    local restored = { { path = 'a.txt' } }
    return { result = { restored = restored, skipped = { { path = 'b.bin', reason = 'large' } }, conflicts = {}, dryRun = params.dryRun } }
  end
  local seen
  T.choose = function(items, options)
    seen = options.prompt
    return items[2], 2
  end
  vim.cmd('Tenon revert')
  T.eq('a.txt (not covered: b.bin)', seen)
  T.eq({ sessionId = 's_1', to = { turn = 't_2' }, dryRun = true }, newest('agent/revert'))
  T.choose = function(items)
    return items[1], 1
  end
  vim.cmd('Tenon revert c_7')
  T.eq({ sessionId = 's_1', to = { change = 'c_7' } }, newest('agent/revert'))
  T.told('went back: a.txt')
  T.choose = nil
  vim.cmd('Tenon! revert 12')
  T.eq({ sessionId = 's_1', to = { seq = 12 } }, newest('agent/revert'))
  vim.cmd('Tenon revert somewhere')
  T.told('name a turn, change or checkpoint')
end)

T.test('what stands in the way of going back is decided file by file', function()
  answers['agent/revert'] = function(params)
    local conflict = { path = 'a.txt', kind = 'edited', mergeable = false, text = 'a.txt was edited since' }
    local conflicts = params.dryRun and { conflict } or {}
    return { result = { restored = {}, skipped = {}, conflicts = conflicts } }
  end
  local labels
  T.choose = function(items)
    labels = #items
    return items[2]
  end
  vim.cmd('Tenon revert t_1')
  T.eq(2, labels)
  T.eq({ ['a.txt'] = 'ours-after-backup' }, newest('agent/revert').resolve)
end)

T.done()
