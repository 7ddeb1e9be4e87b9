/**
 * The accelerator of a host's guests. It is chosen once, in the background, and stays for the life of the host worker, unless the
 * trials were doubtful: then each of the next reports has guests tried again. Until these say something else, the choice holds;
 * a machine that runs keeps what it was started with.
 */
import { compareAccelerators } from './accelerator.ts';
import type { Accelerator, AcceleratorChoice, ACCELERATORS, TryOne } from './accelerator.ts';

export interface ChooserOptions {
  readonly setting: (typeof ACCELERATORS)[number];
  readonly tryOne: TryOne;
  /** Called with the reason whenever guests begin to run on TCG although the setting is auto. */
  readonly onTcg: (reason: string) => void;
}

export interface AcceleratorChooser {
  /**
   * By the setting; for `auto`, by guests that are tried.
   * @throws ImageError HypervisorSilent when libvirt does not answer: the next call tries again
   */
  accelerator(): Promise<Accelerator>;
  /** What is known now, without a wait. */
  known(): { readonly accelerator?: Accelerator; readonly acceleratorReason?: string };
  /** Has guests tried where that has not been done, or was doubtful, in the background. */
  look(): void;
}

/** Guests are tried again so often at most. */
const MAX_LOOKS = 12;

export function chooseAccelerator({ setting, tryOne, onTcg }: ChooserOptions): AcceleratorChooser {
  if (setting !== 'auto') {
    return {
      accelerator: () => Promise.resolve(setting),
      known: () => ({ accelerator: setting }),
      look: () => undefined,
    };
  }
  let choice: AcceleratorChoice | undefined;
  let trying: Promise<Accelerator> | undefined;
  let looks = 0;
  const compare = async (): Promise<Accelerator> => {
    const found = await compareAccelerators(tryOne);
    if (found.accelerator === 'tcg' && choice?.accelerator !== 'tcg') onTcg(found.reason);
    choice = found;
    return found.accelerator;
  };
  const once = (): Promise<Accelerator> =>
    (trying ??= compare().finally(() => {
      trying = undefined;
    }));
  return {
    accelerator: () => (choice === undefined ? once() : Promise.resolve(choice.accelerator)),
    known: () =>
      choice === undefined ? {} : { accelerator: choice.accelerator, acceleratorReason: choice.reason },
    look() {
      if (choice?.isDoubtful === false || (choice !== undefined && looks >= MAX_LOOKS)) return;
      looks += 1;
      once().catch(() => undefined);
    },
  };
}
