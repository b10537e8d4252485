-- The daemon is killed in the middle of an answer: the client says so, comes back and shows the rest. Not here: how the agent
-- goes on.
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local client

T.test('a daemon that is killed mid-turn', function()
  vim.cmd('Tenon ask tell me a story')
  T.shows('Once upon')
  client = require('tenon.client')
  local pid = client.hello.instance.pid
  T.eq(0, vim.uv.kill(pid, 'sigkill'))
  T.shows('the connection was lost; ')
  T.shows('connected again')
  T.shows('Once upon a time it ended well.')
  T.rests()
  assert(client.hello.instance.pid ~= pid)
  local _, count = T.shown():gsub('ended well', '')
  T.eq(1, count)
  -- What the killed daemon had begun is withdrawn.
  local _, begun = T.shown():gsub('Once upon', '')
  T.eq(1, begun)
end)

T.test('an agent that was stopped is started by the next message', function()
  vim.system({ vim.env.TENON, 'stop' }):wait(T.patience)
  T.shows('the agent was stopped; your next message starts it again')
  T.eq('off', client.state)
  vim.cmd('Tenon ask another')
  T.shows('There is no other.')
  T.rests()
end)

T.test('another Neovim shows the same session', function()
  local mine = vim.split(T.shown(), '\n')
  local other = vim.fn.jobstart({ vim.v.progpath, '--embed', '--headless', '--clean', '-n', '--cmd', 'set rtp^=' .. T.plugin }, { rpc = true })
  local function lua(code, ...)
    return vim.rpcrequest(other, 'nvim_exec_lua', code, { ... })
  end
  lua([[vim.g.tenon = { cmd = ... }]], vim.env.TENON)
  vim.rpcrequest(other, 'nvim_input', ':Tenon<CR>')
  local function theirs()
    local shown = lua([[local c = package.loaded['tenon.client']
      return c and c.current and vim.api.nvim_buf_get_lines(require('tenon.view').buffer(c.current), 0, -1, false) or {} ]])
    return table.concat(shown, '\n')
  end
  T.wait('theirs', function()
    return theirs():find('There is no other.', 1, true)
  end)
  assert(theirs():find('tell me a story', 1, true), theirs())
  assert(#mine > 0)

  -- A prompt in one appears in the other, and so does what comes of it.
  vim.rpcrequest(other, 'nvim_input', ':Tenon ask from over there<CR>')
  T.shows('from over there')
  T.shows('You, in nvim')
  T.shows('Both hear it.')
  T.wait('theirs too', function()
    return theirs():find('Both hear it.', 1, true)
  end)
  T.rests()

  -- A question that one answers is closed in the other.
  vim.cmd('Tenon ask may you?')
  local request = T.asked()
  T.wait('asked there', function()
    return lua([[return require('tenon.client').current.asks]]) == 1
  end)
  lua([[require('tenon.client').request('agent/answer', { requestId = ..., decision = 'deny' }, function() end)]], request.requestId)
  T.wait('closed here', function()
    return client.current.asks == 0
  end)
  T.shows('▸ deny: ')
  T.rests()
  vim.fn.jobstop(other)
end)

T.done()
