/** A Linux kernel, and programs that begin like one (memtest86+, iPXE): a boot sector whose end is no partition table. */
import { bytesAt, hasBootSignature } from './magic.ts';

/** Of the boot protocol, behind the boot sector. */
const hasBootHeader = bytesAt(0x202, 'HdrS');

export const isKernel = (head: Buffer): boolean => hasBootSignature(head) && hasBootHeader(head);
