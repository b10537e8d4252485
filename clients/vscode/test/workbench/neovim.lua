-- What the walk asks of the Neovim that shows the same session: it is told by texts, times are milliseconds of the clock.
-- Not here: the client.
local client = require('tenon.client')
local session = require('tenon.session')
require('tenon.view')

local function now()
  local seconds, micros = vim.uv.gettimeofday()
  return seconds * 1000 + micros / 1000
end

-- When a text was drawn first, and when a question was closed.
local drawn, closed = {}, {}
local draw = session.hooks.block
session.hooks.block = function(s, block, added)
  draw(s, block, added)
  drawn[block.text] = drawn[block.text] or now()
end
local resolved = session.hooks.resolved
session.hooks.resolved = function(s, data)
  resolved(s, data)
  closed[data.requestId] = now()
end

local function asked()
  return client.current and require('tenon.requests').open(client.current)[1]
end

_G.Walk = {
  ready = function()
    return 'yes'
  end,
  attach = function()
    vim.cmd('Tenon attach')
    return ''
  end,
  ask = function(text)
    local at = now()
    vim.cmd('Tenon ask ' .. text)
    return ('%.1f'):format(at)
  end,
  drawn = function(text)
    return drawn[text] and ('%.1f'):format(drawn[text]) or ''
  end,
  -- The question that is open.
  asks = function()
    return asked() and asked().requestId or ''
  end,
  closed = function(id)
    return closed[id] and ('%.1f'):format(closed[id]) or ''
  end,
  allow = function()
    local at = now()
    vim.cmd('Tenon allow')
    return ('%.1f'):format(at)
  end,
  state = function()
    return client.current and client.current.state or ''
  end,
}
