/** Cells of tables: a text for people, and a value for CSV and programs. */
import { formatBytes, formatTime } from './format.ts';

export interface Cell {
  readonly text: string;
  /** The value as a number, or as the api gave it. */
  readonly plain: string | number;
}

export type CellValue = string | number | Cell | undefined;

export const bytesCell = (bytes: number | undefined): Cell | undefined =>
  bytes === undefined ? undefined : { text: formatBytes(bytes), plain: bytes };

/** @param date as the api gives it */
export const timeCell = (date: string | undefined): Cell | undefined =>
  date === undefined ? undefined : { text: formatTime(date), plain: date };

export const textOfCell = (value: CellValue): string =>
  typeof value === 'object' ? value.text : String(value ?? '');

export const plainOfCell = (value: CellValue): string =>
  String(typeof value === 'object' ? value.plain : (value ?? ''));
