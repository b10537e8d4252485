-- The client's protocol layer as a client of one turn, for `tenon conformance --client`: opens, observes, asks, answers, prints.
-- Not here: windows; a person is not there.
vim.opt.runtimepath:prepend(vim.fs.dirname(vim.fs.dirname(vim.fn.fnamemodify(arg[0], ':p'))))
vim.g.tenon = { cmd = vim.env.TENON }
local client = require('tenon.client')
local session = require('tenon.session')

local code
vim.notify = function(text)
  io.stderr:write(text .. '\n')
end
local function fail(text)
  io.stderr:write(tostring(text) .. '\n')
  code = 1
end

session.hooks = {
  message = function(_, data)
    if data.role == 'assistant' then
      io.stdout:write(session.text(data.content) .. '\n')
    end
  end,
  request = function(_, request)
    local ids = vim.tbl_map(function(option)
      return option.id
    end, request.options)
    local decision = vim.list_contains(ids, 'allow') and 'allow' or ids[1]
    if decision then
      client.request('agent/answer', { requestId = request.requestId, decision = decision }, function(err)
        if err and vim.tbl_get(err, 'data', 'kind') ~= 'alreadyResolved' then
          fail(err.message)
        end
      end, true)
    end
  end,
  ended = function(_, data)
    code = data.stop == 'done' and 0 or 1
  end,
}

session.open({ workspace = vim.fn.getcwd() }, function(s)
  s:prompt({ { type = 'text', text = 'go' } })
end, function(err)
  fail(err.message)
end)
vim.wait(150000, function()
  return code
end, 10)
os.exit(code or 1)
