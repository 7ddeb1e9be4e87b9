/** Remaining validity of a certificate. */
import type { Mood } from '../elements/mood.ts';
import type { Certificate } from '../../model/api-answers.ts';

/** Days before expiry at which the page warns; the api records an event then, too. */
const SOON = 30;

type Dated = Pick<Certificate, 'daysleft' | 'revoked'>;

export const isExpiring = ({ daysleft, revoked }: Dated): boolean => !revoked && daysleft <= SOON;

export function conditionOf(certificate: Dated): { readonly mood: Mood; readonly word: string } {
  const { daysleft, revoked } = certificate;
  if (revoked) return { mood: 'leaving', word: 'Revoked' };
  if (daysleft < 0) return { mood: 'bad', word: 'Expired' };
  return { mood: isExpiring(certificate) ? 'waiting' : 'good', word: leftOf(daysleft) };
}

export const leftOf = (days: number): string => {
  if (days < 0) return 'expired';
  if (days === 0) return 'less than a day left';
  return `${days} ${days === 1 ? 'day' : 'days'} left`;
};
