/** The two roles; no others can be created. */
import type { Role } from '../../../db/accounts/accounts.ts';
import { boolean, type Shape, string } from '../response.ts';
import { stableUuid } from '../stable-uuid.ts';

interface RoleView {
  readonly role: Role;
  readonly id: string;
  readonly name: string;
  /** As CloudStack names the types. */
  readonly type: string;
  readonly description: string;
}

export const ROLES: Readonly<Record<Role, RoleView>> = {
  admin: {
    role: 'admin',
    id: stableUuid('role', 'admin'),
    name: 'Root Admin',
    type: 'Admin',
    description: 'may call every command',
  },
  user: {
    role: 'user',
    id: stableUuid('role', 'user'),
    name: 'User',
    type: 'User',
    description: 'may register templates and ISOs, and change what the account has',
  },
};

export const ROLE: Shape<RoleView> = {
  id: string('the id', ({ id }) => id),
  name: string('the name', ({ name }) => name),
  type: string('the type', ({ type }) => type),
  description: string('what it allows', ({ description }) => description),
  isdefault: boolean('true: every role is one that Bypass came with', () => true),
  ispublic: boolean('true: every account may have it', () => true),
  state: string('enabled', () => 'enabled'),
};

/** The role fields of users and accounts. */
export const WITH_ROLE = {
  roleid: string('the id of the role', ({ role }) => ROLES[role].id),
  rolename: string('the name of the role', ({ role }) => ROLES[role].name),
  roletype: string('the type of the role', ({ role }) => ROLES[role].type),
} satisfies Shape<{ readonly role: Role }>;
