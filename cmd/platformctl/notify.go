package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"
	"go.uber.org/dig"
	"go.uber.org/fx"

	"github.com/yourorg/platform/internal/app"
	"github.com/yourorg/platform/internal/cli"
	"github.com/yourorg/platform/internal/notify"
)

func notifyCommand() *cobra.Command {
	return cli.Group("notify", "See what people are told", "  platformctl notify preview identity.reset_password --locale zh",
		notifyPreview())
}

func notifyPreview() *cobra.Command {
	var locale, data, part string
	c := &cobra.Command{
		Use: "preview TEMPLATE", Short: "Render a built-in template, with its sample or with data", Args: cobra.ExactArgs(1),
		Example: "  platformctl notify preview identity.invitation --locale zh\n" +
			"  platformctl notify preview notify.digest --part html --data '{\"count\": 0, \"items\": []}'",
		RunE: cli.Run(func(cmd *cobra.Command, args []string) error {
			fields, err := given(data)
			if err != nil {
				return err
			}
			templates, err := builtIn(cmd)
			if err != nil {
				return err
			}
			said, err := templates.Preview(args[0], locale, fields)
			if err != nil {
				return err
			}
			switch part {
			case "":
				cmd.Printf("Template: %s (%s)\nLocale: %s\nSubject: %s\n\n%s", said.Template, said.Category, said.Locale, said.Subject, said.Text)
			case "subject":
				cmd.Println(said.Subject)
			case "text":
				cmd.Print(said.Text)
			case "html":
				cmd.Print(said.HTML)
			case "short":
				cmd.Println(said.Short)
			default:
				return fmt.Errorf("--part %q is none of subject, text, html and short", part)
			}
			return nil
		}),
	}
	c.Flags().StringVar(&locale, "locale", "en", "in this language, or the nearest one that there is")
	c.Flags().StringVar(&data, "data", "", "with this JSON object, or with the file whose name follows an @")
	c.Flags().StringVar(&part, "part", "", "only the subject, text, html or short")
	return c
}

// given reads --data; nil without it.
func given(data string) (any, error) {
	if data == "" {
		return nil, nil
	}
	source := []byte(data)
	if data[0] == '@' {
		var err error
		if source, err = os.ReadFile(data[1:]); err != nil {
			return nil, fmt.Errorf("--data: %w", err)
		}
	}
	var fields map[string]any
	if err := json.Unmarshal(source, &fields); err != nil || fields == nil {
		return nil, errors.New("--data is not a JSON object")
	}
	return fields, nil
}

// builtIn builds the templates and nothing else: no database is needed.
func builtIn(cmd *cobra.Command) (*notify.Templates, error) {
	loaded, err := cli.Load(cmd)
	if err != nil {
		return nil, err
	}
	var templates *notify.Templates
	if err := fx.New(app.Core(loaded.Catalog), loaded.Boundary(), fx.NopLogger, fx.Populate(&templates)).Err(); err != nil {
		return nil, dig.RootCause(err)
	}
	return templates, nil
}
