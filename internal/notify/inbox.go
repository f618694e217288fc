package notify

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"github.com/yourorg/platform/internal/notify/ent"
	entitem "github.com/yourorg/platform/internal/notify/ent/item"
	"github.com/yourorg/platform/pkg/notify"
	"github.com/yourorg/platform/pkg/tenant"
)

// Inbox implements notify.Messages over a table. The schema's mixin keeps it inside the tenant.
type Inbox struct{ *Notifications }

var _ notify.Messages = (*Inbox)(nil)

// fitsInbox tells whether there is an inbox to put something into.
func (n *Notifications) fitsInbox(r notify.Rendered) error {
	if r.To.User == uuid.Nil || r.Tenant == uuid.Nil {
		return notify.Permanent(errors.New("only members of a tenant have an inbox"))
	}
	return nil
}

// putInto writes a message in the transaction that ends its delivery, so it is there once.
func (n *Notifications) putInto(ctx context.Context, r notify.Rendered) error {
	err := n.client.Item.Create().SetID(r.ID).SetUserID(r.To.User).SetTemplate(r.Template).SetCategory(r.Category).
		SetSubject(r.Subject).SetText(r.Text).SetCreatedAt(now()).Exec(tenant.NewContext(ctx, r.Tenant))
	if err != nil {
		return fmt.Errorf("put into the inbox: %w", err)
	}
	return nil
}

// List implements notify.Messages.
func (i *Inbox) List(ctx context.Context, user uuid.UUID, f notify.MessageFilter) ([]notify.Message, error) {
	q := i.client.Item.Query().Where(entitem.UserID(user)).Order(ent.Desc(entitem.FieldID)).Limit(max(1, f.Limit))
	if f.Archived {
		q.Where(entitem.ArchivedAtNotNil())
	} else {
		q.Where(entitem.ArchivedAtIsNil())
	}
	if f.Unread {
		q.Where(entitem.ReadAtIsNil())
	}
	if f.Before != uuid.Nil {
		q.Where(entitem.IDLT(f.Before))
	}
	rows, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("list messages: %w", err)
	}
	all := make([]notify.Message, len(rows))
	for n, row := range rows {
		all[n] = messageOf(row)
	}
	return all, nil
}

// Unread implements notify.Messages.
func (i *Inbox) Unread(ctx context.Context, user uuid.UUID) (int, error) {
	n, err := i.client.Item.Query().Where(entitem.UserID(user), entitem.ReadAtIsNil(), entitem.ArchivedAtIsNil()).Count(ctx)
	if err != nil {
		return 0, fmt.Errorf("count unread messages: %w", err)
	}
	return n, nil
}

// Read implements notify.Messages. What is read already keeps its time.
func (i *Inbox) Read(ctx context.Context, user, id uuid.UUID, read bool) (notify.Message, error) {
	return i.change(ctx, user, id, func(set *ent.ItemUpdate) {
		if read {
			set.Where(entitem.ReadAtIsNil()).SetReadAt(now())
		} else {
			set.ClearReadAt()
		}
	})
}

// Archive implements notify.Messages.
func (i *Inbox) Archive(ctx context.Context, user, id uuid.UUID, archived bool) (notify.Message, error) {
	return i.change(ctx, user, id, func(set *ent.ItemUpdate) {
		if archived {
			set.Where(entitem.ArchivedAtIsNil()).SetArchivedAt(now())
		} else {
			set.ClearArchivedAt()
		}
	})
}

func (i *Inbox) change(ctx context.Context, user, id uuid.UUID, change func(*ent.ItemUpdate)) (m notify.Message, err error) {
	err = i.db.InTx(ctx, func(ctx context.Context) error {
		set := i.client.Item.Update().Where(entitem.ID(id), entitem.UserID(user))
		change(set)
		if err := set.Exec(ctx); err != nil {
			return fmt.Errorf("change message %s: %w", id, err)
		}
		row, err := i.client.Item.Query().Where(entitem.ID(id), entitem.UserID(user)).Only(ctx)
		if ent.IsNotFound(err) {
			return notify.ErrNotFound.Wrap(err)
		}
		if err != nil {
			return fmt.Errorf("read message %s: %w", id, err)
		}
		m = messageOf(row)
		return nil
	})
	return m, err
}

// ReadAll implements notify.Messages.
func (i *Inbox) ReadAll(ctx context.Context, user uuid.UUID) (int, error) {
	n, err := i.client.Item.Update().Where(entitem.UserID(user), entitem.ReadAtIsNil(), entitem.ArchivedAtIsNil()).SetReadAt(now()).Save(ctx)
	if err != nil {
		return 0, fmt.Errorf("mark messages as read: %w", err)
	}
	return n, nil
}

func messageOf(row *ent.Item) notify.Message {
	m := notify.Message{
		ID: row.ID, Template: row.Template, Category: row.Category, Subject: row.Subject, Text: row.Text, Created: row.CreatedAt.UTC(),
	}
	if row.ReadAt != nil {
		at := row.ReadAt.UTC()
		m.Read = &at
	}
	if row.ArchivedAt != nil {
		at := row.ArchivedAt.UTC()
		m.Archived = &at
	}
	return m
}
