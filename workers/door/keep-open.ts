/** Keeps the door open once the host has its certificate, and tells what it does. For the transfer thread. */
import { createRateLimit } from '../../images/fetch/rate-limit.ts';
import type { OpenCopies } from '../../images/spread/open-copies.ts';
import type { DoorCounts } from './counts.ts';
import { openDoor } from './door.ts';
import type { Door, DoorCredentials } from './door.ts';
import type { DoorSettings } from './settings.ts';

/** Milliseconds between two tries to listen, and between two reports. */
const RETRY_MS = 5000;
const REPORT_MS = 1000;

export interface KeptDoorOptions {
  readonly hostId: string;
  readonly settings: DoorSettings;
  readonly copies: OpenCopies;
  /** Called when counts have changed, at most once a second. */
  readonly onCounts: (counts: DoorCounts) => void;
  readonly onClosed: (problem: string) => void;
}

export interface KeptDoor {
  setCredentials(credentials: DoorCredentials): void;
}

export function keepDoorOpen({ hostId, settings, copies, onCounts, onClosed }: KeptDoorOptions): KeptDoor {
  const { listen, uploads } = settings;
  const rate = createRateLimit(settings.rate);
  let opening = false;
  let door: Door | undefined;
  let credentials: DoorCredentials | undefined;

  const open = async (): Promise<void> => {
    if (credentials === undefined) return;
    const given = credentials;
    try {
      door = await openDoor({ hostId, listen, uploads, rate, copies, credentials });
      if (given !== credentials) door.setCredentials(credentials);
      reportChanges(door, onCounts);
    } catch (error) {
      onClosed((error as Error).message);
      setTimeout(() => void open(), RETRY_MS);
    }
  };
  return {
    setCredentials(next) {
      credentials = next;
      door?.setCredentials(next);
      if (opening) return;
      opening = true;
      void open();
    },
  };
}

function reportChanges(door: Door, onCounts: (counts: DoorCounts) => void): void {
  let before = '';
  setInterval(() => {
    const counts = door.counts();
    const now = JSON.stringify(counts);
    if (now !== before) onCounts(counts);
    before = now;
  }, REPORT_MS);
}
