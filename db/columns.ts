/** Types of columns that tables share. */
import type { ColumnType, Generated } from 'kysely';
import type { ImageEvidence } from '../model/evidence.ts';

export type Id = Generated<number>;
export type Time = ColumnType<Date, Date | string | undefined, Date | string>;
export type NullableTime = ColumnType<Date | null, Date | string | null | undefined, Date | string | null>;
export type Json<T> = ColumnType<T, string, string>;
export type NullableJson<T> = ColumnType<T | null, string | null | undefined, string | null>;
/** `evidenceRow` makes the value that is written. */
export type Evidence = NullableJson<ImageEvidence>;
/** JSON that has a default. */
export type DefaultJson<T> = ColumnType<T, string | undefined, string>;
