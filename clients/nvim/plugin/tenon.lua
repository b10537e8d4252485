-- Defines :Tenon, and nothing else: everything is loaded when it is first used.
if vim.g.loaded_tenon then
  return
end
vim.g.loaded_tenon = 1
vim.api.nvim_create_user_command('Tenon', function(call)
  require('tenon.commands').run(call)
end, {
  nargs = '*',
  range = true,
  bang = true,
  desc = 'Ask the agent, and look after what it does',
  complete = function(...)
    return require('tenon.commands').complete(...)
  end,
})
