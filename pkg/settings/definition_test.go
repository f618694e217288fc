package settings_test

import (
	"errors"
	"regexp"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/yourorg/platform/pkg/settings"
)

func TestAMalformedDefinitionIsRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		declared settings.Defined
		want     string
	}{
		"a key without a module":             {settings.Bool("open", true, "x"), "the key must be <module>.<name>"},
		"a key of three parts":               {settings.Bool("a.b.c", true, "x"), "the key must be <module>.<name>"},
		"a key in capitals":                  {settings.Bool("shop.Open", true, "x"), "the key must be <module>.<name>"},
		"no description":                     {settings.Bool("shop.open", true, ""), "the description is missing"},
		"a malformed permission to change":   {settings.Bool("shop.open", true, "x", settings.ForTenants("shop")), "a permission is not"},
		"a malformed permission to read":     {settings.Bool("shop.open", true, "x", settings.ReadableWith("shop.*")), "a permission is not"},
		"a default outside of the range":     {settings.Int("shop.size", 9, "x", settings.Between(1, 5)), "the default must be at most 5"},
		"an empty range":                     {settings.Int("shop.size", 3, "x", settings.Between(5, 1)), "the range is empty"},
		"a range of a text":                  {settings.String("shop.name", "", "x", settings.Between(1, 5)), "only integers and durations have a range"},
		"a pattern of a number":              {settings.Int("shop.size", 1, "x", settings.Pattern(regexp.MustCompile("x"))), "only texts have a pattern"},
		"a default that is no choice":        {settings.Enum("shop.sort", "c", []string{"a", "b"}, "x"), "the default must be one of a, b"},
		"a choice among nothing":             {settings.Enum("shop.sort", "", nil, "x"), "a choice needs values"},
		"an empty choice":                    {settings.Enum("shop.sort", "", []string{""}, "x"), "none of them may be empty"},
		"a default that is too long":         {settings.String("shop.name", "abc", "x", settings.MaxLength(2)), "the default must have at most 2 characters"},
		"texts without an end":               {settings.String("shop.name", "", "x", settings.MaxLength(1_000_000)), "a text has 1 to 10000 characters"},
		"lists without an end":               {settings.Strings("shop.tags", nil, "x", settings.MaxItems(1_000_000)), "a list 1 to 200 items"},
		"a check of another type":            {settings.Int("shop.size", 1, "x", settings.Check(func(string) error { return nil })), "is checked by a function for a string"},
		"a default that the check refuses":   {settings.Int("shop.size", 4, "x", settings.Check(odd)), "the default must be odd"},
		"a default with an item there twice": {settings.Strings("shop.tags", []string{"a", "a"}, "x"), "the default must not repeat an item"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := tt.declared.Definition()
			require.ErrorContains(t, d.Validate(), tt.want)
			require.ErrorContains(t, d.Declare().Check(d.Default), tt.want, "the configuration refuses it too")
		})
	}
}

func odd(n int) error {
	if n%2 == 0 {
		return errors.New("must be odd")
	}
	return nil
}

func TestAPermissionToChangeWhatNoTenantCanIsRefused(t *testing.T) {
	t.Parallel()
	d := settings.Bool("shop.open", true, "x").Definition()
	require.NoError(t, d.Validate())
	require.Equal(t, settings.TenantUpdate, d.Changes())
	d.Change = "shop.price.change"
	require.ErrorContains(t, d.Validate(), "the tenant, which cannot choose")
	d.ForTenant = true
	require.NoError(t, d.Validate())
	require.EqualValues(t, "shop.price.change", d.Changes())
}

func TestWhatHasNoDefaultNeedNotMeetItsRules(t *testing.T) {
	t.Parallel()
	key := regexp.MustCompile(`^sk_[a-z]+$`)
	d := settings.Hidden("shop.api_key", "x", settings.Pattern(key)).Definition()
	require.NoError(t, d.Validate())
	require.NoError(t, d.Declare().Check(d.Default))
	require.NoError(t, settings.String("shop.name", "", "x", settings.Pattern(key)).Definition().Validate())
	require.NoError(t, settings.Length("shop.pause", time.Minute, "x", settings.Between(time.Second, time.Hour)).Definition().Validate())
}

func TestALevelIsOpenWhenTheDefinitionSaysSo(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		options      []settings.Option
		tenant, user bool
	}{
		{nil, false, false},
		{[]settings.Option{settings.ForTenants("")}, true, false},
		{[]settings.Option{settings.ForUsers()}, false, true},
		{[]settings.Option{settings.ForTenants(""), settings.ForUsers()}, true, true},
	} {
		d := settings.Bool("shop.open", true, "x", tt.options...).Definition()
		require.Equal(t, tt.tenant, d.Allows(settings.Tenant))
		require.Equal(t, tt.user, d.Allows(settings.User))
		require.False(t, d.Allows(settings.Default))
		require.False(t, d.Allows(settings.Environment))
		require.False(t, d.Allows("root"))
	}
}
