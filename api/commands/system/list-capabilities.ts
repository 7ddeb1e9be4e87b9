import { schemesOf } from '../../../model/protocols.ts';
import type { Installation } from '../../server/command.ts';
import { defineCommand, EVERYBODY } from '../../server/command.ts';
import {
  answerOne,
  boolean,
  forAdmins,
  integer,
  optional,
  type Shape,
  string,
} from '../../fields/response.ts';

/** The release of CloudStack whose API Bypass implements; clients compare it. */
const CLOUDSTACK_VERSION = '4.22.1.0';

interface Capability extends Installation {
  readonly allowed: number;
  readonly schemes: readonly string[];
}

export const CAPABILITY: Shape<Capability> = {
  cloudstackversion: string('the release of CloudStack whose API this is', () => CLOUDSTACK_VERSION),
  bypassversion: string('the release of Bypass', ({ version }) => version),
  userpublictemplateenabled: boolean('whether users may make templates public', () => true),
  securitygroupsenabled: boolean('whether there are security groups', () => false),
  dynamicrolesenabled: boolean('whether roles can be made', () => false),
  allowusercreateprojects: boolean('whether users may make projects', () => false),
  allowuserviewdestroyedvm: boolean('whether users see VMs that are gone', () => false),
  kvmsnapshotenabled: boolean('whether VMs have snapshots', () => false),
  projectinviterequired: boolean('whether projects have invitations', () => false),
  regionsecondaryenabled: boolean('whether there is secondary storage of a region', () => false),
  urlschemes: string('schemes of URLs that hosts fetch, with commas between them', ({ schemes }) =>
    schemes.join(','),
  ),
  apilimitmax: integer(
    'calls that one user may make in the interval; 0 for no limit',
    ({ allowed }) => allowed,
  ),
  apilimitinterval: integer('the interval, in seconds', () => 1),
  temporaluiurl: forAdmins(
    optional.string("the address of Temporal's Web UI", ({ temporalUiUrl }) => temporalUiUrl || undefined),
  ),
  temporalnamespace: forAdmins(
    string('the namespace of the workflows', ({ temporalNamespace }) => temporalNamespace),
  ),
};

export const listCapabilities = defineCommand({
  name: 'listCapabilities',
  description: 'Tells what this installation is and can do.',
  roles: EVERYBODY,
  parameters: {},
  object: 'capability',
  response: CAPABILITY,
  run: ({ caller, calls, installation, protocols }) =>
    Promise.resolve(
      answerOne(
        'capability',
        CAPABILITY,
        [{ ...installation, allowed: calls.allowed, schemes: schemesOf(protocols) }],
        caller,
      ),
    ),
});
