/**
 * Loaded into a process of Bypass before its own code (NODE_OPTIONS=--require). It sends a signal to its own process at the moment
 * that a plan names: when the n-th matching call on a file, start of a program, or statement to the database (of api and control
 * worker) begins, ends or is half done.
 * It sees the calls of all threads: promises, callbacks, and the synchronous `readSync` of digest threads. The plan is a file
 * (SUDDEN_DEATH_PLAN) that may appear at any time and is removed when it was carried out. After a suspension, the process
 * logs its changes: one line of call, inode and path each.
 */
const childProcess = require('node:child_process');
const fs = require('node:fs');
const { syncBuiltinESMExports } = require('node:module');
const threads = require('node:worker_threads');

const PLAN = process.env.SUDDEN_DEATH_PLAN ?? '';
/** As `host` in `bypass host run`. */
const COMMAND = process.argv[2];
const { appendFileSync, existsSync, fstatSync, readFileSync, readlinkSync, renameSync, writeSync } = fs;
const CHANGES = new Set(['open', 'write', 'truncate', 'chmod']);
/** Flags of open that allow writing. */
const WRITING = fs.constants.O_WRONLY | fs.constants.O_RDWR;

let plan;
let seen = 0;
let wokeUp = false;

/** The current plan; its calls are counted from its appearance. */
function currentPlan() {
  if (!existsSync(PLAN)) return undefined;
  try {
    const text = readFileSync(PLAN, 'utf8');
    if (plan?.text !== text) {
      plan = { text, ...JSON.parse(text) };
      seen = 0;
    }
    return plan;
  } catch {
    // Another thread has just carried the plan out.
    return undefined;
  }
}

function carryOut({ signal }) {
  try {
    renameSync(PLAN, `${PLAN}.done`);
  } catch {
    return;
  }
  wokeUp = true;
  process.kill(process.pid, signal);
  // Blocks, also when another thread handles the signal.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
}

/** Counts a call. @returns whether it is the planned one */
function isMeant(call, { path, fd, args = '' }) {
  const wanted = currentPlan();
  if (wanted?.call !== call || !new RegExp(wanted.path).test(path)) return undefined;
  if (wanted.process !== undefined && wanted.process !== COMMAND) return undefined;
  if (wanted.args !== undefined && !new RegExp(wanted.args).test(args)) return undefined;
  if (wanted.size !== undefined && fd !== undefined && fstatSync(fd).size < wanted.size) return undefined;
  seen += 1;
  return seen === wanted.nth ? wanted : undefined;
}

const isForWriting = (flags = 'r') => (typeof flags === 'string' ? flags !== 'r' : (flags & WRITING) !== 0);

/** Logs calls that change files. */
function note(call, path, fd, args) {
  if (!CHANGES.has(call) || path === `${PLAN}.changes`) return;
  if (call === 'open' && !isForWriting(args[1])) return;
  appendFileSync(`${PLAN}.changes`, `${call} ${fd === undefined ? '-' : fstatSync(fd).ino} ${path}\n`);
}

/** Writes half of the bytes, as in a power failure. */
function writeHalf(fd, args) {
  const [data, second, third, fourth] = args;
  const list = Array.isArray(data);
  const bytes = list
    ? Buffer.concat(data)
    : Buffer.from(data.buffer ?? data, data.byteOffset, data.byteLength);
  const from = list ? 0 : (second ?? 0);
  const length = list ? bytes.length : (third ?? bytes.length - from);
  writeSync(fd, bytes, from, Math.floor(length / 2), list ? second : fourth);
}

/** @param place returns path and descriptor of a call from its arguments */
function watched(call, original, place) {
  return function watchedCall(...args) {
    const { path, fd, ...rest } = place(this, args);
    const meant = path === undefined ? undefined : isMeant(call, { path, fd, ...rest });
    if (wokeUp && path !== undefined) note(call, path, fd, args);
    if (meant === undefined) return original.apply(this, args);
    if (meant.when === 'half') writeHalf(fd, fd === args[0] ? args.slice(1) : args);
    if (meant.when === 'end') {
      const child = original.apply(this, args);
      child.prependOnceListener('exit', () => carryOut(meant));
      return child;
    }
    if (meant.when !== 'after') {
      carryOut(meant);
      return original.apply(this, args);
    }
    const callback = args.at(-1);
    if (typeof callback === 'function') {
      args[args.length - 1] = (...results) => {
        carryOut(meant);
        callback(...results);
      };
      return original.apply(this, args);
    }
    const result = original.apply(this, args);
    if (typeof result?.then !== 'function') {
      carryOut(meant);
      return result;
    }
    return result.then((value) => {
      carryOut(meant);
      return value;
    });
  };
}

const replace = (holder, name, call, place) => {
  holder[name] = watched(call, holder[name], place);
};

const byFd = (fd) => {
  try {
    return { fd, path: readlinkSync(`/proc/self/fd/${fd}`) };
  } catch {
    return {};
  }
};
const byFirst = (_self, [path]) => ({ path: String(path) });
const byProgram = (_self, [program, args = []]) => ({ path: program, args: args.join(' ') });
const bySecond = (_self, [, path]) => ({ path: String(path) });

/** Client → the statements of its transaction so far. */
const transactions = new WeakMap();

function byStatement(client, [query]) {
  const given = typeof query === 'string' ? query : query?.text;
  if (typeof given !== 'string') return {};
  const text = given.replace(/\s+/g, ' ');
  const statements = transactions.get(client);
  if (text === 'begin') transactions.set(client, []);
  else if (text === 'commit' || text === 'rollback') transactions.delete(client);
  else statements?.push(text);
  return { path: text === 'commit' ? `commit: ${statements?.join('; ')}` : text };
}

function watchQueries() {
  const { Client } = require('pg');
  replace(Client.prototype, 'query', 'query', byStatement);
}

if (PLAN !== '') {
  const byName = (name, place) => {
    for (const [holder, key] of [
      [fs.promises, name],
      [fs, name],
      [fs, `${name}Sync`],
    ]) {
      replace(holder, key, name, place);
    }
  };
  for (const name of ['open', 'mkdir', 'unlink']) byName(name, byFirst);
  for (const name of ['link', 'rename']) byName(name, bySecond);
  const byDescriptor = [
    ['read', 'read', 'read'],
    ['write', 'write', 'write'],
    ['writev', 'writev', 'write'],
    ['datasync', 'fdatasync', 'datasync'],
    ['sync', 'fsync', 'sync'],
    ['truncate', 'ftruncate', 'truncate'],
    ['chmod', 'fchmod', 'chmod'],
  ];
  for (const [, plain, call] of byDescriptor) {
    replace(fs, plain, call, (_self, [fd]) => byFd(fd));
    replace(fs, `${plain}Sync`, call === 'read' ? 'readSync' : call, (_self, [fd]) => byFd(fd));
  }
  // The class of file handles is accessible only through a handle.
  const { open } = fs.promises;
  let isWatched = false;
  fs.promises.open = async (...args) => {
    const handle = await open(...args);
    if (!isWatched) {
      isWatched = true;
      const methods = Object.getPrototypeOf(handle);
      for (const [method, , call] of byDescriptor) replace(methods, method, call, (self) => byFd(self.fd));
    }
    return handle;
  };
  replace(childProcess, 'spawn', 'spawn', byProgram);
  if (COMMAND === 'api' || COMMAND === 'control') watchQueries();
  // Threads with their own environment are watched too.
  threads.Worker = class extends threads.Worker {
    constructor(file, { env, execArgv = process.execArgv, ...options } = {}) {
      const own = typeof env === 'object';
      super(file, {
        ...options,
        env: own ? { ...env, SUDDEN_DEATH_PLAN: PLAN } : env,
        execArgv: own ? [...execArgv, '--require', __filename] : execArgv,
      });
    }
  };
  syncBuiltinESMExports();
}
