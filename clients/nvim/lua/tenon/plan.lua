-- The plan of a session: made, shown as a tree, looked at hunk by hunk, applied whole or in part. Not here: drawing hunks (hunks).
local client = require('tenon.client')
local fold = require('tenon.fold')
local tenon = require('tenon')

local api = vim.api
local files = require('tenon.files')
local M = {}
local SIGNS = { done = '✓', active = '▸', running = '▸', dropped = '✗' }
local rows = {} -- what a line of a plan's buffer stands for, by session

-- Asks for a plan: a turn whose edits are staged.
function M.make(s, goal, piece)
  require('tenon.view').show(s)
  local input = require('tenon.prompt').input(s, goal)
  input[#input + 1] = piece
  local params = { sessionId = s.id, goal = input, key = ('%s-%x'):format(client.id, vim.uv.hrtime()) }
  client.call('agent/plan', params, nil, true)
end

local function draw(s)
  local plan = s.plan
  local lines, map = { plan and ('# Plan, revision %d%s'):format(plan.rev or 1, plan.ready and ', ready' or plan.dropped and ', thrown away' or plan.changeId and ', applied' or '') or '# No plan' }, {}
  for _, step in ipairs(plan and plan.tree or {}) do
    lines[#lines + 1] = ('%s %s  %s'):format(SIGNS[step.status] or '·', step.id, step.title)
    map[#lines] = { step = step }
    for _, file in ipairs(step.files or {}) do
      lines[#lines + 1] = '      ' .. file
      map[#lines] = { step = step, file = file }
    end
  end
  if plan and plan.ready then
    vim.list_extend(lines, { '', 'a applies the step, A all of it, r reviews its hunks, x drops it, <CR> opens a file, q closes' })
  end
  rows[s.id] = map
  return lines
end

fold.hooks.plan = function(s)
  local buf = vim.fn.bufnr('^' .. vim.fn.fnameescape('tenon://' .. s.id .. '/plan') .. '$')
  if buf ~= -1 then
    vim.bo[buf].modifiable = true
    api.nvim_buf_set_lines(buf, 0, -1, false, draw(s))
    vim.bo[buf].modifiable, vim.bo[buf].modified = false, false
  end
end

-- Shows the tree of steps.
function M.show(s)
  local buf = require('tenon.lists').show('tenon://' .. s.id .. '/plan', draw(s), 'tenonplan')
  vim.b[buf].tenon_session = s.id
  local function map(key, desc, run)
    vim.keymap.set('n', key, function()
      run(rows[s.id][api.nvim_win_get_cursor(0)[1]] or {})
    end, { buffer = buf, desc = desc, nowait = true })
  end
  map('a', 'Apply this step', function(at)
    if at.step then
      M.apply(s, { steps = { at.step.id } })
    end
  end)
  map('A', 'Apply the plan', function()
    M.apply(s, {})
  end)
  map('x', 'Drop the plan', function()
    M.apply(s, { drop = true })
  end)
  map('r', 'Review its hunks', function()
    M.review(s)
  end)
  map('<CR>', 'Open the file', function(at)
    if at.file then
      vim.cmd.wincmd('p')
      vim.cmd.edit(vim.fn.fnameescape(s.workspace .. '/' .. at.file))
    end
  end)
end

-- Shows the staged edits in their files; what is accepted is applied.
function M.review(s)
  local plan = s.plan
  if not (plan and plan.ready) then
    return tenon.say('no plan is ready')
  end
  client.call('agent/diff', { sessionId = s.id, to = plan.planId, form = 'patch' }, function(result)
    local review = require('tenon.hunks').review({
      id = plan.planId,
      session = s,
      patch = result.patch or '',
      submit = function(review)
        local outcome, select = review:outcome()
        require('tenon.hunks').close(plan.planId)
        if outcome == 'none' then
          return tenon.say('nothing of the plan was applied; :Tenon drop throws it away')
        end
        M.apply(s, outcome == 'some' and { select = select } or {})
      end,
    })
    review:go()
  end, true)
end

-- Applies the plan, or a part of it; where something stands in the way a person chooses.
function M.apply(s, what)
  local plan = s.plan
  if not (plan and plan.planId) then
    return tenon.say('there is no plan; :Tenon plan GOAL asks for one')
  end
  local params = vim.tbl_extend('force', { sessionId = s.id, planId = plan.planId, rev = plan.rev }, what)
  client.request('agent/apply', params, function(err, result)
    local conflicts = err and vim.tbl_get(err, 'data', 'conflicts')
    if conflicts then
      local mergeable = vim.iter(conflicts):all(function(conflict)
        return conflict.mergeable
      end)
      local choices = { { 'Apply the rest', { partial = true } }, { 'Leave it' } }
      if mergeable then
        table.insert(choices, 1, { 'Keep both: merge', { resolve = 'merge' } })
      end
      return vim.ui.select(choices, {
        prompt = err.message,
        kind = 'tenon',
        format_item = function(choice)
          return choice[1]
        end,
      }, function(choice)
        if choice and choice[2] then
          M.apply(s, vim.tbl_extend('force', what, choice[2]))
        end
      end)
    elseif err then
      local hints = vim.tbl_get(err, 'data', 'hints') or {}
      return tenon.say(table.concat({ err.message, unpack(hints) }, '\n'), 'ERROR')
    end
    local left = #result.conflicts > 0 and '; left: ' .. files.paths(result.conflicts) or ''
    tenon.say(what.drop and 'the plan was dropped' or 'applied: ' .. files.paths(result.applied) .. left)
  end)
end

return M
