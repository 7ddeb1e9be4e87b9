/**
 * The domains that this host starts, by their names: that they begin to run is no news. virsh hands on libvirt's events of a
 * start a little later than the start ends, so that a name stays for a while.
 */
export interface StartingDomains {
  /** Runs the start of a domain. */
  during<T>(name: string, start: () => Promise<T>): Promise<T>;
  has(name: string): boolean;
  close(): void;
}

export const EVENTS_MS = 2000;

export function createStartingDomains(): StartingDomains {
  /** Name → the timer that removes it, once its start has ended. */
  const timers = new Map<string, NodeJS.Timeout | undefined>();
  return {
    async during(name, start) {
      // A timer of an earlier start would remove the name during this one.
      clearTimeout(timers.get(name));
      timers.set(name, undefined);
      try {
        return await start();
      } finally {
        timers.set(name, setTimeout(() => timers.delete(name), EVENTS_MS).unref());
      }
    },
    has: (name) => timers.has(name),
    close() {
      for (const timer of timers.values()) clearTimeout(timer);
    },
  };
}
