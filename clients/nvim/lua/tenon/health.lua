-- `:checkhealth tenon`. Not here: mending what is wrong.
local M = {}

local function program(health, client)
  local cmd = client.program('--version')
  if vim.fn.executable(cmd[1]) == 0 then
    health.error(('"%s" cannot be run'):format(cmd[1]), {
      'install tenon, so that it is found on PATH',
      'or say where it is: require("tenon").setup({ cmd = "/path/to/tenon" })',
    })
    return false
  end
  local done = vim.system(cmd, { text = true }):wait(10000)
  health.ok(('%s: %s'):format(vim.fn.exepath(cmd[1]), vim.trim(done.stdout or '')))
  return true
end

local function agent(health, client)
  local problem
  client.ready(function(err)
    problem = err and err.message
  end)
  vim.wait(20000, function()
    return problem or client.state == 'ready'
  end, 10)
  if client.state ~= 'ready' then
    return health.error(problem or 'the agent did not answer within 20 s', { 'try `tenon doctor`' })
  end
  local hello = client.hello
  health.ok(('agent %s, process %d, protocol %d'):format(hello.instance.version, hello.instance.pid, hello.protocol))
  local box = vim.tbl_get(hello, 'can', 'shell', 'sandbox') or {}
  local missing = type(box.missing) == 'table' and box.missing or {}
  health[#missing == 0 and 'ok' or 'info']('sandbox level ' .. tostring(box.level))
  for _, what in ipairs(missing) do
    health.info('missing for a higher level: ' .. what)
  end
end

local function providers(health, client)
  local list, problem
  client.request('agent/list', { kind = 'provider' }, function(err, result)
    list, problem = result and result.items, err and err.message
  end)
  vim.wait(20000, function()
    return list or problem
  end, 10)
  local usable = {}
  for _, provider in ipairs(list or {}) do
    if provider.ready then
      usable[#usable + 1] = provider.id
    end
  end
  if #usable > 0 then
    return health.ok('providers that can be used: ' .. table.concat(usable, ', '))
  end
  health.warn(problem or 'no provider can be used: there is no key', { '`tenon auth login PROVIDER` stores one', '`tenon demo` needs none' })
end

function M.check()
  local health, client = vim.health, require('tenon.client')
  health.start('tenon')
  if vim.fn.has('nvim-0.10') == 1 then
    health.ok('Neovim ' .. tostring(vim.version()))
  else
    health.error('Neovim 0.10 or newer is needed')
  end
  if program(health, client) then
    agent(health, client)
    if client.state == 'ready' then
      providers(health, client)
    end
  end
  if not pcall(vim.treesitter.language.inspect, 'markdown') then
    health.info('without the tree-sitter parser for Markdown answers are not coloured')
  end
end

return M
