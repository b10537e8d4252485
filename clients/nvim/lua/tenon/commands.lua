-- `:Tenon SUBCOMMAND`: this is a table of what a person can do. Not here: how it is done.
local client = require('tenon.client')
local session = require('tenon.session')
local tenon = require('tenon')

local M = {}

-- Returns the workspace of what is in front: the nearest folder above with .tenon or .git, else the working directory.
local function workspace()
  local path = vim.bo.buftype == '' and vim.api.nvim_buf_get_name(0) or ''
  local from = path ~= '' and vim.fs.dirname(path) or vim.fn.getcwd()
  return vim.fs.root(from, { '.tenon', '.git' }) or vim.fn.getcwd()
end
M.workspace = workspace

local function new(done)
  local settings = { profile = tenon.config.profile, model = tenon.config.model }
  session.open({ workspace = workspace(), settings = next(settings) and settings or nil }, done)
end

-- Calls `done` with the session of this window, the one in use, or the newest one of the workspace; else with a new one.
local function with(done)
  local s = client.sessions[vim.b.tenon_session or ''] or client.sessions[client.current and client.current.id or '']
  if s then
    return done(s)
  end
  require('tenon.lists').newest(workspace(), function(item)
    if item then
      return session.open({ sessionId = item.id }, done)
    end
    new(done)
  end)
end

-- Calls `done` with the session of this window or the one in use, and says so where there is none.
local function existing(done)
  local s = client.sessions[vim.b.tenon_session or ''] or client.current
  if not s then
    return tenon.say('there is no session yet; :Tenon ask begins one, :Tenon sessions shows earlier ones')
  end
  done(s)
end

-- Returns the lines of a range as a selection.
local function selected(call)
  if call.range == 0 then
    return
  end
  local lines = vim.api.nvim_buf_get_lines(0, call.line1 - 1, call.line2, false)
  return {
    type = 'selection',
    path = vim.api.nvim_buf_get_name(0),
    range = { start = call.line1, ['end'] = call.line2 },
    text = table.concat(lines, '\n') .. '\n',
  }
end

local function ask(call, text, options)
  local prompt, piece = require('tenon.prompt'), selected(call)
  with(function(s)
    if text == '' then
      prompt.open(s, piece)
      return vim.cmd.startinsert()
    end
    local here = vim.api.nvim_get_current_win()
    require('tenon.view').show(s)
    -- The answer is watched from where the question was asked.
    vim.api.nvim_set_current_win(here)
    local input = prompt.input(s, text)
    input[#input + 1] = piece
    prompt.send(s, input, options)
  end)
end

local function hunks(name, ...)
  local rest = { ... }
  return function()
    require('tenon.hunks')[name](unpack(rest))
  end
end

local function plan_ids(s)
  return s.plan and vim.tbl_map(function(step)
    return step.id
  end, s.plan.tree or {}) or {}
end

-- This is a table: what each subcommand does, and what may stand behind it.
M.subcommands = {
  ask = {
    help = 'ask; without words a window to write in, with a range about those lines',
    run = function(call, text)
      ask(call, text)
    end,
  },
  steer = {
    help = 'say something to the turn that runs',
    run = function(call, text)
      ask(call, text, { delivery = 'steer' })
    end,
  },
  new = {
    help = 'begin a new session',
    run = function(call, text)
      new(function()
        ask(call, text)
      end)
    end,
  },
  attach = {
    help = 'show a session: the newest of this workspace, or one by its id',
    run = function(_, id)
      local show = function(s)
        require('tenon.view').show(s)
      end
      -- After a failure this is what connects again.
      client.ready(function() end)
      if id ~= '' then
        return session.open({ sessionId = id }, show)
      end
      with(show)
    end,
    complete = function()
      return vim.tbl_keys(client.sessions)
    end,
  },
  sessions = {
    help = 'choose among the sessions of this workspace; with ! of all',
    run = function(call)
      require('tenon.lists').sessions(not call.bang and workspace() or nil)
    end,
  },
  stop = {
    help = 'interrupt the turn that runs',
    run = function()
      existing(function(s)
        client.call('agent/interrupt', { sessionId = s.id })
      end)
    end,
  },
  answer = {
    help = 'answer what the agent asks',
    run = function()
      existing(function(s)
        require('tenon.requests').ask(s)
      end)
    end,
  },
  allow = {
    help = 'allow what the agent asks, this time',
    run = function()
      existing(function(s)
        require('tenon.requests').decide(s, 'allow')
      end)
    end,
  },
  deny = {
    help = 'deny what the agent asks; what follows tells it why',
    run = function(_, why)
      existing(function(s)
        require('tenon.requests').decide(s, 'deny', why)
      end)
    end,
  },
  review = { help = 'go to the edit that waits, in its file', run = hunks('open') },
  accept = {
    help = 'accept the hunk at the cursor; with ! all that are not decided',
    run = function(call)
      require('tenon.hunks').decide('accepted', call.bang)
    end,
  },
  reject = {
    help = 'reject the hunk at the cursor; with ! all that are not decided',
    run = function(call)
      require('tenon.hunks').decide('rejected', call.bang)
    end,
  },
  next = { help = 'go to the next hunk', run = hunks('jump', 1) },
  previous = { help = 'go to the previous hunk', run = hunks('jump', -1) },
  plan = {
    help = 'ask for a plan; without words show the one there is',
    run = function(call, goal)
      local piece = selected(call)
      with(function(s)
        require('tenon.plan')[goal == '' and 'show' or 'make'](s, goal, piece)
      end)
    end,
  },
  apply = {
    help = 'apply the plan, or some of its steps',
    run = function(_, steps)
      existing(function(s)
        require('tenon.plan').apply(s, steps ~= '' and { steps = vim.split(steps, '%s+') } or {})
      end)
    end,
    complete = function()
      return client.current and plan_ids(client.current) or {}
    end,
  },
  drop = {
    help = 'throw the plan away',
    run = function()
      existing(function(s)
        require('tenon.plan').apply(s, { drop = true })
      end)
    end,
  },
  revert = {
    help = 'take back the last turn that changed files, or what an id names; with ! without asking',
    run = function(call, target)
      existing(function(s)
        require('tenon.lists').revert(s, target, call.bang)
      end)
    end,
    complete = function()
      return client.current and client.current.changes or {}
    end,
  },
  earlier = {
    help = 'show what came before the beginning of the window',
    run = function()
      existing(function(s)
        require('tenon.more').earlier(s)
      end)
    end,
  },
  whole = {
    help = 'show all of a message or an output that is shown shortened',
    run = function()
      existing(function(s)
        require('tenon.more').whole(s)
      end)
    end,
  },
  diff = {
    help = 'show what the session changed',
    run = function()
      existing(function(s)
        require('tenon.lists').diff(s)
      end)
    end,
  },
  log = {
    help = "show the session's log",
    run = function()
      existing(function(s)
        require('tenon.lists').log(s)
      end)
    end,
  },
  profile = {
    help = 'change what may happen without asking',
    run = function(_, name)
      existing(function(s)
        require('tenon.lists').configure(s, 'profile', name)
      end)
    end,
    complete = function()
      return { 'read', 'review', 'edit', 'auto', 'full' }
    end,
  },
  model = {
    help = 'change the model',
    run = function(_, name)
      existing(function(s)
        require('tenon.lists').configure(s, 'model', name)
      end)
    end,
  },
}

function M.run(call)
  local name, rest = call.args:match('^(%S*)%s*(.*)$')
  local subcommand = M.subcommands[name == '' and 'attach' or name]
  if not subcommand then
    return tenon.say(('there is no :Tenon %s; there are %s'):format(name, table.concat(M.names(), ', ')), 'ERROR')
  end
  if tenon.config.context then
    require('tenon.context').start()
  end
  subcommand.run(call, vim.trim(rest))
end

function M.names()
  local names = vim.tbl_keys(M.subcommands)
  table.sort(names)
  return names
end

function M.complete(lead, line)
  local name = line:match('Tenon!?%s+(%S+)%s')
  local subcommand = name and M.subcommands[name]
  local words = not name and M.names() or subcommand and subcommand.complete and subcommand.complete() or {}
  return vim.tbl_filter(function(word)
    return vim.startswith(word, lead)
  end, words)
end

return M
