-- The person's buffers when files change on disk: reloaded where nothing is lost, marked where something would be. Not here:
-- what is asked about it (requests).
local api = vim.api
local M = {}
local space = api.nvim_create_namespace('tenon.conflict')
local marks = {}

-- Returns the names of files in a sentence.
function M.paths(list)
  return table.concat(
    vim.tbl_map(function(each)
      return each.path
    end, list),
    ', '
  )
end

-- Reloads the buffers of a session's workspace whose files changed. One with changes is left alone.
function M.changed(s)
  for _, buf in ipairs(api.nvim_list_bufs()) do
    local name = api.nvim_buf_get_name(buf)
    if api.nvim_buf_is_loaded(buf) and vim.bo[buf].buftype == '' and vim.startswith(name, s.workspace .. '/') then
      if not vim.bo[buf].modified then
        vim.bo[buf].autoread = true
        vim.cmd('silent! checktime ' .. buf)
      end
    end
  end
end

-- Gives up the changes of a buffer; they can be undone back.
function M.discard(buf)
  api.nvim_buf_call(buf, function()
    vim.cmd('silent edit!')
  end)
end

-- Says in the buffer itself that the agent waits for it.
function M.conflict(buf, request)
  marks[request.requestId] = { buf, api.nvim_buf_set_extmark(buf, space, 0, 0, {
    virt_lines = { { { ' the agent waits to change this file: save, discard or wait? :Tenon answer ', 'DiagnosticVirtualTextWarn' } } },
    virt_lines_above = true,
    virt_text = { { ' the agent waits to change this file (:Tenon answer)', 'DiagnosticWarn' } },
  }) }
end

function M.clear(id)
  local mark = marks[id]
  marks[id] = nil
  if mark and api.nvim_buf_is_valid(mark[1]) then
    api.nvim_buf_del_extmark(mark[1], space, mark[2])
  end
end

return M
