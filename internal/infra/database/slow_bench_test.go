package database

import (
	"context"
	"database/sql/driver"
	"io"
	"reflect"
	"testing"
)

// BenchmarkMeasuring is what a statement costs that takes no time: bare, and with the measuring around it.
func BenchmarkMeasuring(b *testing.B) {
	for name, c := range map[string]conn{
		"bare": instant{}, "measured": &timed{conn: instant{}, meter: newStatements(DefaultConfig()).of("main")},
	} {
		b.Run(name+"/exec", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = c.ExecContext(b.Context(), "UPDATE things SET n = 1", nil)
			}
		})
		b.Run(name+"/query", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				r, _ := c.QueryContext(b.Context(), "SELECT n FROM things", nil)
				for r.Next(nil) == nil {
				}
				_ = r.Close()
			}
		})
		b.Run(name+"/transaction", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				tx, _ := c.BeginTx(b.Context(), driver.TxOptions{})
				_ = tx.Commit()
			}
		})
	}
}

// instant answers everything at once.
type instant struct{ conn }

func (instant) ExecContext(context.Context, string, []driver.NamedValue) (driver.Result, error) {
	return driver.RowsAffected(1), nil
}

func (instant) QueryContext(context.Context, string, []driver.NamedValue) (driver.Rows, error) {
	return none{}, nil
}
func (instant) BeginTx(context.Context, driver.TxOptions) (driver.Tx, error) { return none{}, nil }

type none struct{}

func (none) Commit() error                                         { return nil }
func (none) Rollback() error                                       { return nil }
func (none) Columns() []string                                     { return nil }
func (none) Close() error                                          { return nil }
func (none) Next([]driver.Value) error                             { return io.EOF }
func (none) ColumnTypeDatabaseTypeName(int) string                 { return "" }
func (none) ColumnTypeLength(int) (int64, bool)                    { return 0, false }
func (none) ColumnTypePrecisionScale(int) (p, s int64, known bool) { return 0, 0, false }
func (none) ColumnTypeScanType(int) reflect.Type                   { return nil }
