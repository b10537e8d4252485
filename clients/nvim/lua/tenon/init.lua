-- What a person's configuration calls: `setup` and `status`. Not here: the agent (client) and the windows (view).
local M = {}

M.version = '0.1.0'

-- What can be set, by `setup` or in `vim.g.tenon`.
M.config = {
  cmd = 'tenon', -- the program: a name, a path, or a list
  profile = nil, -- the profile of new sessions
  model = nil, -- the model of new sessions
  window = 'botright vsplit', -- opens the session's window
  prompt_height = 5, -- lines of the prompt's window
  context = true, -- whether the agent is told what you look at
  keys = { accept = 'do', reject = 'dr', accept_all = 'dO', reject_all = 'dR', next = ']h', previous = '[h' },
}
M.config = vim.tbl_deep_extend('force', M.config, vim.g.tenon or {})

function M.setup(config)
  M.config = vim.tbl_deep_extend('force', M.config, config or {})
end

-- Tells a person something, under our name.
function M.say(text, level)
  vim.notify('tenon: ' .. text, vim.log.levels[level or 'INFO'])
end

-- For a status line: the session of this window, else the one in use. Empty while nothing was asked; loads nothing.
function M.status()
  local client = package.loaded['tenon.client']
  local s = client and (client.sessions[vim.b.tenon_session or ''] or client.current)
  if not s then
    return ''
  end
  local box = vim.tbl_get(client.hello or {}, 'can', 'shell', 'sandbox', 'level')
  local words = { client.state == 'ready' and s.state or client.state, s.profile }
  words[#words + 1] = s.trust ~= 'trusted' and 'not trusted' or nil
  words[#words + 1] = 'sandbox ' .. tostring(box or '?')
  words[#words + 1] = s.asks > 0 and ('asks ' .. s.asks) or nil
  words[#words + 1] = #s.queue > 0 and (#s.queue .. ' waiting') or nil
  return 'tenon: ' .. table.concat(words, ', ')
end

return M
