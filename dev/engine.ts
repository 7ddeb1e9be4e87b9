/**
 * What a start runs Bypass on: Temporal's development server (one program that keeps everything in a file), or the cluster
 * (Temporal Server on PostgreSQL, as in production, with two frontends, two apis and two control workers).
 */
import { SettingError, label } from '../workers/settings.ts';

export const ENGINES = ['development', 'cluster'] as const;
export type Engine = (typeof ENGINES)[number];

/** @throws SettingError */
export function readEngine(text: string): Engine {
  const engine = ENGINES.find((one) => one === text);
  if (engine !== undefined) return engine;
  throw new SettingError(`${label('engine')} must be ${ENGINES.join(' or ')}, not '${text}'`);
}
