import { createStartingDomains, EVENTS_MS } from '../../hypervisor/starting.ts';
import { deferred } from '../support/deferred.ts';

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

test('a domain counts as starting during its start, and until the events of the start have come', async () => {
  const starting = createStartingDomains();
  const start = deferred();
  const started = starting.during('web1', () => start.promise);
  await jest.advanceTimersByTimeAsync(10 * EVENTS_MS);
  expect([starting.has('web1'), starting.has('web2')]).toEqual([true, false]);
  start.resolve();
  await started;
  expect(starting.has('web1')).toBe(true);
  await jest.advanceTimersByTimeAsync(EVENTS_MS);
  expect(starting.has('web1')).toBe(false);
  expect(jest.getTimerCount()).toBe(0);
});

test('a start that follows a failed one at once is not cut short by it', async () => {
  const starting = createStartingDomains();
  await expect(starting.during('web1', () => Promise.reject(new Error('no memory')))).rejects.toThrow(
    'no memory',
  );
  const start = deferred();
  const started = starting.during('web1', () => start.promise);
  await jest.advanceTimersByTimeAsync(2 * EVENTS_MS);
  expect(starting.has('web1')).toBe(true);
  start.resolve();
  await started;
  starting.close();
  expect(jest.getTimerCount()).toBe(0);
});
