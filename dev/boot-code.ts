/** Boot code for a PC: it writes a line to the first serial port, then halts or begins anew. */

/** Where the BIOS puts a boot sector. */
const LOADED_AT = 0x7c00;

export interface BootOptions {
  /** Writes the line over and over. Default false: halts. */
  readonly chatty?: boolean;
}

/** The beginning of a boot sector: code for a real-mode processor, and the text. */
export function bootCode(line: string, { chatty = false }: BootOptions = {}): Buffer {
  const text = Buffer.from(`${line}\r\n\0`, 'latin1');
  const code = (textAt: number): Buffer =>
    Buffer.from(
      [
        'fa 31c0 8ed8 fc', // cli; ds = 0; cld
        `be ${word(textAt)}`, // begin: si = text
        'ac 84c0 7412', // next: al = [si++]; if zero, goto end
        '88c4 bafd03', // ah = al; dx = status of the port
        'ec a820 74fb', // wait until the port takes a byte
        'baf803 88e0 ee', // dx = data of the port; write the byte
        'ebe9', // goto next
        chatty ? 'ebe4' : 'f4 ebfd', // end: goto begin, or halt for ever
      ]
        .join('')
        .replaceAll(' ', ''),
      'hex',
    );
  return Buffer.concat([code(LOADED_AT + code(0).length), text]);
}

/** A 16-bit number as the processor reads it. */
const word = (number: number): string => Buffer.from([number & 0xff, number >> 8]).toString('hex');
