/** The views of templates and of ISOs, by their addresses. */
import type { ReactNode } from 'react';
import { Route, Switch } from 'wouter';
import { Register } from '../register/register.tsx';
import { EditTemplate } from './edit.tsx';
import { ISOS, type Kind, TEMPLATES } from './kind.ts';
import { TemplateList } from './template-list.tsx';
import { TemplateView } from './template.tsx';

export const TemplateViews = (): ReactNode => <Views kind={TEMPLATES} />;
export const IsoViews = (): ReactNode => <Views kind={ISOS} />;

function Views({ kind }: { readonly kind: Kind }): ReactNode {
  const { path } = kind;
  return (
    <Switch>
      <Route path={path}>
        <TemplateList key={path} kind={kind} />
      </Route>
      <Route path={`${path}/register`}>
        <Register key={path} kind={kind} />
      </Route>
      <Route path={`${path}/:id/edit`}>
        <EditTemplate kind={kind} />
      </Route>
      <Route path={`${path}/:id`}>
        <TemplateView kind={kind} />
      </Route>
    </Switch>
  );
}
