-- What a session's window does not show at once: events from before its beginning, and contents that were too large for a message.
-- Not here: drawing (view).
local client = require('tenon.client')
local fold = require('tenon.fold')
local tenon = require('tenon')

local M = {}
local PAGE = 400
-- The largest content that is read, in bytes; `tenon fetch` prints more.
local BYTES_MAX = 32 * 1024 * 1024

-- Folds a page of events apart from the session, so that what is over long ago asks and announces nothing.
local function apart(s, events)
  local page = setmetatable({ tell = function() end }, getmetatable(s))
  page.trust, page.queue, page.blocks, page.index, page.requests, page.asks, page.changes = s.trust, {}, {}, {}, {}, 0, {}
  for _, event in ipairs(events) do
    page:fold(event)
  end
  for id in pairs(page.requests) do
    page.index[id].decision = 'answered'
  end
  for _, block in ipairs(page.blocks) do
    -- What a later event would say about a call is further down, if anywhere.
    block.status = block.status ~= 'running' and block.status or 'unknown'
    block.hidden = block.hidden or block.id:find('^waits') ~= nil
  end
  return page
end

-- Puts the page of the log before what is shown in front of it; `done()` once it is there.
function M.earlier(s, done)
  if not s.before then
    return tenon.say('this is the beginning')
  end
  local before = s.before
  client.call('agent/log', { sessionId = s.id, before = before, limit = PAGE }, function(result)
    -- Asked twice, or the picture is another one by now.
    if s.before ~= before then
      return
    end
    s.before = result.next
    local page, at = apart(s, result.events), 2
    for _, block in ipairs(page.blocks) do
      local known = s.index[block.id]
      if known and not known.title and block.title then
        -- It was proposed on this page, and its end is shown already.
        s:set(known, { title = block.title, name = block.name, call = block.call })
      elseif not known then
        s.index[block.id] = block
        table.insert(s.blocks, at, block)
        at = at + 1
      end
    end
    s:tell('page', 2, at - 1)
    s.changes = vim.list_extend(page.changes, s.changes)
    s:set(s.index.earlier, { hidden = not s.before })
    if done then
      done()
    end
  end, true)
end

-- Reads a content page by page; `done(text)`.
local function fetch(ref, done)
  local parts, bytes = {}, 0
  local function page(from)
    client.call('agent/fetch', { ref = ref, range = { start = from } }, function(result)
      if not result.text then
        return tenon.say(('that is %d bytes and no text: `tenon fetch %s` writes it'):format(result.bytes, ref))
      end
      parts[#parts + 1], bytes = result.text, bytes + #result.text
      if result.next and bytes < BYTES_MAX then
        return page(result.next)
      end
      done(table.concat(parts))
    end, true)
  end
  page(0)
end

local function is_short(block)
  return block.ref or block.cut
end

-- Shows all of the block at the cursor; away from the session's window that of the newest one that is shortened.
function M.whole(s)
  local block = require('tenon.view').at(s) or vim.iter(s.blocks):rev():find(is_short)
  if not (block and is_short(block)) then
    return tenon.say('nothing is shortened here')
  end
  local function show(text)
    local lines = vim.split(text:gsub('\n$', ''), '\n')
    require('tenon.lists').show(('tenon://%s/%s'):format(s.id, block.id), lines, block.kind == 'tool' and '' or 'markdown')
  end
  if block.ref then
    return fetch(block.ref, show)
  end
  -- The log has what a snapshot had no room for.
  local behind = ('%s.%d'):format(s.cursor:match('%d+'), block.cut + 1)
  client.call('agent/log', { sessionId = s.id, before = behind, limit = 1 }, function(result)
    show(fold.text(result.events[1].data.content))
  end, true)
end

return M
