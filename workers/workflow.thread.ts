/**
 * Loaded before the program of a thread of workflows: `v8.promiseHooks` makes no hooks there (workflow-threads.ts). Node itself
 * makes its own for AsyncLocalStorage, which keeps the scopes of workflows apart, with the object that is replaced here.
 */
import v8 from 'node:v8';

Object.defineProperty(v8, 'promiseHooks', {
  value: { ...v8.promiseHooks, createHook: () => () => undefined },
});
