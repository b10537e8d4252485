-- What the tests in the real Neovim share. Run by `nvim --headless --clean -l tests/NAME.lua`, with `TENON` naming the program.
-- Not here: starting Neovim, and the model's answers (the Rust tests of this repository).
local T = { failed = 0, said = {} }

local here = vim.fs.dirname(vim.fs.abspath and vim.fs.abspath(arg[0]) or vim.fn.fnamemodify(arg[0], ':p'))
T.plugin = vim.fs.dirname(here)
-- Only a test that fails waits this long.
T.patience = 150000

vim.o.swapfile = false
vim.opt.runtimepath:prepend(T.plugin)
vim.g.tenon = vim.tbl_extend('force', { cmd = vim.env.TENON }, vim.g.tenon or {})
vim.cmd.runtime('plugin/tenon.lua')

-- What a person is told, in place of messages.
vim.notify = function(text)
  table.insert(T.said, text)
end

-- What a person chooses: a function of (items, options) that returns the item; none leaves the dialog open.
T.choose = nil
T.dialogs = {}
vim.ui.select = function(items, options, chosen)
  table.insert(T.dialogs, options.prompt)
  if T.choose then
    local item, at = T.choose(items, options)
    chosen(item, at)
  end
end

function T.out(text)
  io.stdout:write(text .. '\n')
  io.stdout:flush()
end

function T.test(name, run)
  local ok, err = xpcall(run, debug.traceback)
  T.failed = T.failed + (ok and 0 or 1)
  T.out((ok and 'ok   ' or 'FAIL ') .. name .. (ok and '' or '\n' .. tostring(err)))
end

function T.done()
  T.out(('done, %d failed'):format(T.failed))
  os.exit(T.failed == 0 and 0 or 1)
end

function T.eq(want, got)
  if not vim.deep_equal(want, got) then
    error(('want %s\ngot  %s'):format(vim.inspect(want), vim.inspect(got)), 2)
  end
end

-- Waits until `reached` returns something, and returns that.
function T.wait(what, reached)
  local value
  local function look()
    value = reached()
    return value
  end
  if not vim.wait(T.patience, look, 10) then
    error(('never: %s\nsaid: %s\nsession:\n%s'):format(what, vim.inspect(T.said), T.shown()), 2)
  end
  return value
end

-- Returns the text of the session in use, as it is shown.
function T.shown()
  local client = package.loaded['tenon.client']
  local buf = client and client.current and require('tenon.view').buffer(client.current)
  return buf and table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\n') or ''
end

-- Waits until the session shows a text, taken plainly.
function T.shows(text)
  return T.wait('shows ' .. text, function()
    return T.shown():find(text, 1, true)
  end)
end

function T.told(text)
  return T.wait('is told ' .. text, function()
    for _, said in ipairs(T.said) do
      if said:find(text, 1, true) then
        return true
      end
    end
  end)
end

-- Waits until the session rests.
function T.rests()
  return T.wait('rests', function()
    local s = require('tenon.client').current
    return s and s.state == 'idle' and not s.turn
  end)
end

-- Returns the session once it asks something.
function T.asked()
  return T.wait('is asked', function()
    local s = require('tenon.client').current
    return s and require('tenon.requests').open(s)[1]
  end)
end

function T.write(path, text)
  vim.fn.mkdir(vim.fs.dirname(path), 'p')
  local file = assert(io.open(path, 'wb'))
  file:write(text)
  file:close()
end

function T.read(path)
  local file = io.open(path, 'rb')
  if not file then
    return nil
  end
  local text = file:read('*a')
  file:close()
  return text
end

function T.lines(buf)
  return vim.api.nvim_buf_get_lines(buf or 0, 0, -1, false)
end

return T
