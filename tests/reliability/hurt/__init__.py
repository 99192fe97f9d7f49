"""What the tests of reliability share: servers, processes to kill, a proxy that breaks what goes through it."""
