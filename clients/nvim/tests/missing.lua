-- What a person is told when the program is not there, or is not the right one. Not here: an agent that is (conversation.lua).
local T = dofile(vim.fs.dirname(arg[0]) .. '/support.lua')
local tenon = require('tenon')

local function with(script)
  if script then
    T.write('program', '#!/bin/sh\n' .. script)
    vim.uv.fs_chmod('program', 493)
  end
  tenon.setup({ cmd = vim.fn.getcwd() .. '/program' })
  T.said = {}
  vim.cmd('Tenon ask anything')
end

T.test('no program', function()
  with(nil)
  T.told('install tenon, or say where it is: require("tenon").setup')
end)

T.test('a program that is too old for attach', function()
  with("echo \"error: unrecognized subcommand 'attach'\" >&2; exit 2\n")
  T.told('is too old for this plugin, update it')
end)

T.test('an agent of a later protocol', function()
  local refusal = [[{"jsonrpc":"2.0","id":1,"error":{"code":1005,"message":"only version 2","data":{"kind":"unsupportedProtocol","supported":[2]}}}]]
  with("head -n 1 >/dev/null; echo '" .. refusal .. "'; cat >/dev/null\n")
  T.told('this plugin is too old, update it (only version 2)')
end)

T.test('a program that is something else', function()
  with("head -n 1 >/dev/null; echo 'hello'; echo '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}'; cat >/dev/null\n")
  T.told('is not an agent of tenon')
end)

T.test('the report on health says what to do', function()
  tenon.setup({ cmd = 'no-such-program' })
  vim.cmd('checkhealth tenon')
  local report = table.concat(T.lines(), '\n')
  assert(report:find('"no-such-program" cannot be run', 1, true), report)
end)

T.done()
