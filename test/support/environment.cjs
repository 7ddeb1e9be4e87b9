/**
 * Test files run in the worker's own realm, not in a sandbox: what npm packages and Node throw are then instances of the
 * `Error` that tests see, and packages may be loaded once for all files (runtime.cjs).
 */
const { TestEnvironment: NodeEnvironment } = require('jest-environment-node');

class OwnRealm extends NodeEnvironment {
  constructor(config, context) {
    super(config, context);
    this.global = globalThis;
    const { constructor: FakeTimers } = this.fakeTimersModern;
    this.fakeTimersModern = new FakeTimers({ config: config.projectConfig, global: globalThis });
    this.before = { console, exit: Reflect.get(process, 'exit'), env: { ...process.env } };
  }

  async teardown() {
    const { env, exit } = this.before;
    globalThis.console = this.before.console;
    // Jest has put its own in its place.
    process.exit = exit;
    forgetFile();
    for (const name of Object.keys(process.env)) if (!(name in env)) delete process.env[name];
    Object.assign(process.env, env);
    await super.teardown();
  }
}

/**
 * Jest keeps its handlers of events and its tree of tests at the global object, which it takes for that of one file. The
 * handlers of all earlier files would be called for each test, and keep their modules in memory.
 */
function forgetFile() {
  delete globalThis[Symbol.for('EVENT_HANDLERS')];
  for (const key of Object.getOwnPropertySymbols(globalThis)) {
    if (key.description === 'JEST_STATE_SYMBOL') delete globalThis[key];
  }
}

module.exports = OwnRealm;
