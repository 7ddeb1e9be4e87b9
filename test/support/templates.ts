/** A default template, for tests about other things. */
import type { RegistrationInput } from '../../model/payloads.ts';

/** The row of a template, without size and owner. */
export const templateRow = (uuid: string) => ({
  uuid,
  unique_name: uuid,
  name: 'debian',
  display_text: 'Debian',
  public: false,
  featured: false,
  extractable: false,
  bootable: true,
  hvm: true,
  bits: 64,
  arch: 'x86_64',
  url: 'http://origin.test/debian.qcow2',
  format: 'QCOW2' as const,
  enable_password: false,
  enable_sshkey: false,
  dynamically_scalable: false,
  cross_zones: false,
  state: 'Active' as const,
});

/** The input of a template's registration. */
export const registrationInput = (
  asked: Pick<RegistrationInput, 'templateId' | 'accountId' | 'userId' | 'zoneIds'>,
): RegistrationInput => ({
  v: 1,
  ...asked,
  name: 'debian',
  displayText: 'Debian',
  url: 'http://origin.test/debian.qcow2',
  format: 'QCOW2',
  allZones: false,
  isPublic: false,
  isFeatured: false,
  isExtractable: false,
  bootable: true,
  requiresHvm: true,
  passwordEnabled: false,
  sshKeyEnabled: false,
  dynamicallyScalable: false,
  bits: 64,
  details: {},
});
