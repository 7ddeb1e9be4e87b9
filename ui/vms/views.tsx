/** The views of virtual machines, by their addresses. */
import type { ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { Deploy } from './deploy.tsx';
import { EditVm } from './edit.tsx';
import { VmView } from './vm.tsx';
import { Vms } from './vms.tsx';

export const VmViews = (): ReactNode => (
  <Switch>
    <Route path="/instances" component={Vms} />
    <Route path="/instances/deploy" component={Deploy} />
    <Route path="/instances/:id/edit" component={EditVm} />
    <Route path="/instances/:id" component={VmView} />
  </Switch>
);
