-- What may stand behind @ and / in a message, asked of the agent while it is written. Not here: the prompt's window.
local client = require('tenon.client')

local M = {}
local KINDS = { file = 'f', folder = 'd', command = 'c' }

-- Shows what may stand at the cursor, if it is still there when the answer comes.
local function show(s)
  local buf, cursor = vim.api.nvim_get_current_buf(), vim.api.nvim_win_get_cursor(0)
  local lines = vim.api.nvim_buf_get_lines(buf, 0, -1, false)
  local before = 0
  for i = 1, cursor[1] - 1 do
    before = before + #lines[i] + 1
  end
  local params = { sessionId = s.id, text = table.concat(lines, '\n'), at = before + cursor[2] }
  client.request('agent/complete', params, function(err, result)
    local still = vim.api.nvim_get_current_buf() == buf and vim.deep_equal(vim.api.nvim_win_get_cursor(0), cursor)
    if err or not still or vim.fn.mode() ~= 'i' or #result.items == 0 then
      return
    end
    local words = {}
    for _, item in ipairs(result.items) do
      words[#words + 1] = { word = item.insert, abbr = item.label, menu = item.detail or '', kind = KINDS[item.kind] or '', icase = 1 }
    end
    vim.fn.complete(result.items[1].range.start - before + 1, words)
  end)
end

-- Something was typed: asks where it is a mention or a command.
function M.typed(s)
  local line = vim.api.nvim_get_current_line():sub(1, vim.api.nvim_win_get_cursor(0)[2])
  local first = vim.api.nvim_win_get_cursor(0)[1] == 1
  -- Walking through the menu changes the text too.
  local walks = vim.fn.pumvisible() == 1 and vim.fn.complete_info({ 'selected' }).selected ~= -1
  if not walks and ((' ' .. line):match('%s@[^%s]*$') or line:match('@"[^"]*$') or first and line:match('^/[^%s]*$')) then
    show(s)
  end
end

-- For 'omnifunc': the answer comes later and opens the menu by itself.
function M.omni(find)
  if find == 1 then
    show(client.sessions[vim.b.tenon_session])
    return -2
  end
  return {}
end

return M
