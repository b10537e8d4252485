-- Edits that wait for a person, drawn in the files' own buffers and decided hunk by hunk. Not here: what becomes of the decision.
local tenon = require('tenon')

local api = vim.api
local M = {}
local Review = {}
Review.__index = Review
local space = api.nvim_create_namespace('tenon.hunks')
local reviews = {} -- by id

-- Takes a name of a patch apart: quotes and escapes are git's.
local function unquote(name)
  name = name:gsub('\t$', '')
  if name:sub(1, 1) == '"' then
    name = name:sub(2, -2):gsub('\\(%d%d%d)', function(octal)
      return string.char(tonumber(octal, 8))
    end):gsub('\\(.)', '%1')
  end
  return (name:gsub('^[ab]/', ''))
end

-- Reads a patch: files {path, op, hunks = {{n, first, old, new}}}; `first` is the line before which new ones go, from 1.
function M.parse(patch)
  local files, file, hunk, left_old, left_new = {}, nil, nil, 0, 0
  for _, line in ipairs(vim.split(patch, '\n')) do
    local start, count, new_count, number = line:match('^@@ %-(%d+),(%d+) %+%d+,(%d+) @@ hunk (%d+)')
    if hunk and left_old + left_new > 0 then
      local mark, text = line:sub(1, 1), line:sub(2)
      if mark == '-' then
        table.insert(hunk.old, text)
        left_old = left_old - 1
      elseif mark == '+' then
        table.insert(hunk.new, text)
        left_new = left_new - 1
      elseif mark == ' ' then
        if #hunk.old + #hunk.new == 0 then
          hunk.first = hunk.first + 1
        end
        left_old, left_new = left_old - 1, left_new - 1
      end
    elseif start then
      left_old, left_new = tonumber(count), tonumber(new_count)
      -- An empty old side names the line before it.
      hunk = { n = tonumber(number), first = tonumber(start) + (left_old == 0 and 1 or 0), old = {}, new = {} }
      table.insert(file.hunks, hunk)
    elseif line:match('^diff %-%-git ') then
      file, hunk = { op = 'modify', hunks = {} }, nil
      table.insert(files, file)
    elseif file and line:match('^new file') then
      file.op = 'add'
    elseif file and line:match('^deleted file') then
      file.op = 'delete'
    elseif file and (line:match('^%-%-%- [^/]') or line:match('^%+%+%+ [^/]')) then
      file.path = unquote(line:sub(5))
    end
  end
  return vim.tbl_filter(function(each)
    return each.path and #each.hunks > 0
  end, files)
end

-- Returns the buffer a file is reviewed in; with `make` it is loaded, or for a new file made, where there is none.
function Review:buffer(file, make)
  if file.buf and api.nvim_buf_is_valid(file.buf) then
    return file.buf
  end
  local path = self.session.workspace .. '/' .. file.path
  local buf
  if file.op == 'add' then
    if not make then
      return
    end
    buf = api.nvim_create_buf(false, true)
    api.nvim_buf_set_name(buf, 'tenon://' .. self.id .. '/' .. file.path)
    api.nvim_buf_set_lines(buf, 0, -1, false, file.hunks[1].new)
    vim.bo[buf].filetype = vim.filetype.match({ filename = path, buf = buf }) or ''
    vim.bo[buf].modifiable, vim.bo[buf].bufhidden, file.scratch = false, 'wipe', true
  else
    buf = make and vim.fn.bufadd(path) or vim.fn.bufnr('^' .. vim.fn.fnameescape(path) .. '$')
    if make then
      vim.fn.bufload(buf)
      vim.bo[buf].buflisted = true
    end
    -- Text that is not on disk has other lines: it is not drawn over.
    if buf == -1 or not api.nvim_buf_is_loaded(buf) or vim.bo[buf].modified then
      return
    end
  end
  file.buf = buf
  self:keys(buf)
  for _, hunk in ipairs(file.hunks) do
    self:draw(file, hunk)
  end
  return buf
end

-- Draws one hunk as it stands: what goes is coloured, what comes stands beneath it.
function Review:draw(file, hunk)
  local buf = file.buf
  if not (buf and api.nvim_buf_is_valid(buf)) then
    return
  end
  if not hunk.row then
    hunk.row = file.scratch and 0 or hunk.first - 1
  else
    hunk.row = self:row(file, hunk)
  end
  for _, mark in ipairs(hunk.marks or {}) do
    api.nvim_buf_del_extmark(buf, space, mark)
  end
  local keys, last = tenon.config.keys, api.nvim_buf_line_count(buf) - 1
  local count = file.scratch and #hunk.new or #hunk.old
  local row = math.min(hunk.row, last)
  -- What only comes stands beneath the line before it; before the first line there is none.
  local under = count > 0 and math.min(row + count - 1, last) or math.max(hunk.row - 1, 0)
  local beneath = {}
  if hunk.state ~= 'rejected' and not file.scratch then
    for _, line in ipairs(hunk.new) do
      beneath[#beneath + 1] = { { line == '' and ' ' or line, 'DiffAdd' } }
    end
  end
  local state = hunk.state or ('%s accepts, %s rejects'):format(keys.accept, keys.reject)
  beneath[#beneath + 1] = { { ('  hunk %d: %s '):format(hunk.n, state), 'DiagnosticVirtualTextInfo' } }
  local marks = { api.nvim_buf_set_extmark(buf, space, row, 0, {}) }
  marks[2] = api.nvim_buf_set_extmark(buf, space, under, 0, {
    virt_lines = beneath,
    virt_lines_above = count == 0 and hunk.row == 0,
  })
  if count > 0 and hunk.state ~= 'rejected' then
    marks[3] = api.nvim_buf_set_extmark(buf, space, row, 0, {
      end_row = math.min(row + count, last + 1),
      hl_group = file.scratch and 'DiffAdd' or 'DiffDelete',
      hl_eol = true,
      strict = false,
    })
  end
  hunk.marks = marks
end

-- Returns the row at which a hunk is now, from 0.
function Review:row(file, hunk)
  local at = hunk.marks and api.nvim_buf_get_extmark_by_id(file.buf, space, hunk.marks[1], {})
  return hunk.row > api.nvim_buf_line_count(file.buf) - 1 and hunk.row or (at and at[1]) or hunk.row
end

function Review:keys(buf)
  local keys = tenon.config.keys
  local map = function(key, command, desc)
    if key and key ~= '' then
      vim.keymap.set('n', key, '<Cmd>Tenon' .. command .. '<CR>', { buffer = buf, desc = 'tenon: ' .. desc, nowait = true })
    end
  end
  map(keys.accept, ' accept', 'accept this hunk')
  map(keys.reject, ' reject', 'reject this hunk')
  map(keys.accept_all, '! accept', 'accept what is not decided')
  map(keys.reject_all, '! reject', 'reject what is not decided')
  map(keys.next, ' next', 'next hunk')
  map(keys.previous, ' previous', 'previous hunk')
end

-- Returns every hunk with its file, in order.
function Review:each()
  local all = {}
  for _, file in ipairs(self.files) do
    for _, hunk in ipairs(file.hunks) do
      all[#all + 1] = { file, hunk }
    end
  end
  return all
end

-- Goes to the first hunk that is not decided, in a window of the file.
function Review:go()
  for _, pair in ipairs(self:each()) do
    local file, hunk = pair[1], pair[2]
    if not hunk.state then
      local buf = self:buffer(file, true)
      if not buf then
        return tenon.say(file.path .. ' has changes that are not saved: answer in the session', 'WARN')
      end
      local win = vim.fn.bufwinid(buf)
      if win == -1 then
        -- Not over the conversation, nor over the prompt.
        for _, each in ipairs(api.nvim_tabpage_list_wins(0)) do
          if vim.bo[api.nvim_win_get_buf(each)].buftype == '' then
            win = each
          end
        end
        if win == -1 then
          vim.cmd('topleft vsplit')
          win = api.nvim_get_current_win()
        end
        api.nvim_win_set_buf(win, buf)
      end
      api.nvim_set_current_win(win)
      local row = self:row(file, hunk)
      api.nvim_win_set_cursor(win, { math.min(row + 1, api.nvim_buf_line_count(buf)), 0 })
      if row == 0 then
        -- Lines above the first one are seen only where there is room for them.
        vim.fn.winrestview({ topfill = #hunk.new + 1 })
      end
      return
    end
  end
end

-- Returns 'all', 'none' or 'some'; of some the selection as the protocol has it, and a sentence for the agent.
function Review:outcome()
  local select, yes, no, words = {}, 0, 0, {}
  for _, file in ipairs(self.files) do
    local taken = {}
    for _, hunk in ipairs(file.hunks) do
      local accepted = hunk.state == 'accepted'
      yes, no = yes + (accepted and 1 or 0), no + (accepted and 0 or 1)
      if accepted then
        taken[#taken + 1] = hunk.n
      end
      words[#words + 1] = ('hunk %d of %s: %s'):format(hunk.n, file.path, hunk.state)
    end
    if #taken > 0 then
      select[#select + 1] = { path = file.path, hunks = #taken < #file.hunks and taken or nil }
    end
  end
  local note = 'only a part of it is wanted; make the change again with that alone. ' .. table.concat(words, ', ')
  return no == 0 and 'all' or yes == 0 and 'none' or 'some', select, note
end

-- Begins a review {id, session, patch, submit}; files that are open show it at once.
function M.review(review)
  M.close(review.id)
  review = setmetatable(review, Review)
  review.files = M.parse(review.patch)
  reviews[review.id] = review
  for _, file in ipairs(review.files) do
    review:buffer(file)
  end
  return review
end

-- Ends a review: what was drawn goes, and so do the keys.
function M.close(id)
  local review = reviews[id]
  reviews[id] = nil
  for _, file in ipairs(review and review.files or {}) do
    local buf = file.buf
    if buf and api.nvim_buf_is_valid(buf) then
      for _, hunk in ipairs(file.hunks) do
        for _, mark in ipairs(hunk.marks or {}) do
          api.nvim_buf_del_extmark(buf, space, mark)
        end
      end
      if #api.nvim_buf_get_extmarks(buf, space, 0, -1, {}) == 0 then
        for _, key in pairs(tenon.config.keys) do
          pcall(vim.keymap.del, 'n', key, { buffer = buf })
        end
        if file.scratch then
          pcall(api.nvim_buf_delete, buf, { force = true })
        end
      end
    end
  end
end

-- Returns the reviews, oldest first; those of a buffer alone where it has any.
local function here()
  local all, mine, buf = {}, {}, api.nvim_get_current_buf()
  for _, review in pairs(reviews) do
    all[#all + 1] = review
    for _, file in ipairs(review.files) do
      if file.buf == buf then
        mine[#mine + 1] = review
        break
      end
    end
  end
  local list = #mine > 0 and mine or all
  table.sort(list, function(a, b)
    return a.id < b.id
  end)
  return list
end

-- Returns the hunk at the cursor, with its review and file: the nearest of those in this buffer.
local function at_cursor()
  local best, distance
  local row, buf = api.nvim_win_get_cursor(0)[1] - 1, api.nvim_get_current_buf()
  for _, review in ipairs(here()) do
    for _, pair in ipairs(review:each()) do
      local file, hunk = pair[1], pair[2]
      if file.buf == buf then
        local from = review:row(file, hunk)
        local to = from + math.max(#hunk.old, file.scratch and #hunk.new or 1) - 1
        local away = row < from and from - row or row > to and row - to or 0
        if not distance or away < distance then
          best, distance = { review, file, hunk }, away
        end
      end
    end
  end
  return best
end

-- Decides the hunk at the cursor, or with `all` every one of the review that is not decided yet. The last decision sends it.
function M.decide(state, all)
  local found = at_cursor()
  local review = found and found[1] or (all and here()[1])
  if not review then
    return tenon.say('there is no hunk here; :Tenon review goes to the next one')
  end
  local undecided = 0
  for _, pair in ipairs(review:each()) do
    local file, hunk = pair[1], pair[2]
    if all and not hunk.state or found and hunk == found[3] and not all then
      hunk.state = state
      review:draw(file, hunk)
    end
    undecided = undecided + (hunk.state and 0 or 1)
  end
  if undecided == 0 then
    return review:submit()
  end
  review:go()
end

-- Goes to the oldest review, to what is not decided in it.
function M.open()
  local review = here()[1]
  if review then
    review:go()
  else
    tenon.say('no edit waits for you')
  end
end

-- Goes to the next hunk of this buffer, or with -1 the previous one.
function M.jump(by)
  local row, buf, rows = api.nvim_win_get_cursor(0)[1] - 1, api.nvim_get_current_buf(), {}
  for _, review in ipairs(here()) do
    for _, pair in ipairs(review:each()) do
      if pair[1].buf == buf then
        rows[#rows + 1] = math.min(review:row(pair[1], pair[2]), api.nvim_buf_line_count(buf) - 1)
      end
    end
  end
  table.sort(rows)
  local target
  for i = by > 0 and 1 or #rows, by > 0 and #rows or 1, by do
    target = target or ((rows[i] - row) * by > 0 and rows[i]) or nil
  end
  if target then
    api.nvim_win_set_cursor(0, { target + 1, 0 })
  end
end

return M
