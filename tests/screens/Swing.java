/*
 * A Swing window, and where its look and feel put every word in it.
 *
 * java Swing.java LOOK FAMILY PIXELS prints {"area": …, "words": …} in pixels of the screen, and stays.
 * What it shows comes over stdin: a line for each field, check, row, sentence and button, its texts
 * after tabs.
 */

import java.awt.Component;
import java.awt.Container;
import java.awt.EventQueue;
import java.awt.FlowLayout;
import java.awt.Font;
import java.awt.GridLayout;
import java.awt.Rectangle;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import javax.swing.AbstractButton;
import javax.swing.BorderFactory;
import javax.swing.Box;
import javax.swing.Icon;
import javax.swing.JButton;
import javax.swing.JCheckBox;
import javax.swing.JComponent;
import javax.swing.JFrame;
import javax.swing.JLabel;
import javax.swing.JPanel;
import javax.swing.JTable;
import javax.swing.JTextField;
import javax.swing.SwingConstants;
import javax.swing.SwingUtilities;
import javax.swing.Timer;
import javax.swing.UIManager;
import javax.swing.plaf.FontUIResource;
import javax.swing.table.DefaultTableCellRenderer;
import javax.swing.text.BadLocationException;

class Swing {
    private static final List<String> WORDS = new ArrayList<>();

    public static void main(String[] arguments) throws Exception {
        var font = new FontUIResource(arguments[1], Font.PLAIN, Integer.parseInt(arguments[2]));
        dress(arguments[0], font);
        var input = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        List<String[]> lines = input.lines().map(line -> line.split("\t")).collect(Collectors.toList());
        EventQueue.invokeLater(() -> show(lines));
    }

    private static void dress(String look, FontUIResource font) throws Exception {
        for (var installed : UIManager.getInstalledLookAndFeels()) {
            if (installed.getName().equals(look)) {
                UIManager.setLookAndFeel(installed.getClassName());
            }
        }
        for (Object key : UIManager.getLookAndFeelDefaults().keySet().toArray()) {
            if (key.toString().toLowerCase().endsWith("font")) {
                UIManager.put(key, font);
            }
        }
        // What Nimbus derives its fonts from.
        UIManager.getLookAndFeelDefaults().put("defaultFont", font);
    }

    private static void show(List<String[]> lines) {
        var all = Box.createVerticalBox();
        all.setBorder(BorderFactory.createEmptyBorder(12, 12, 12, 12));
        for (JComponent part : List.of(form(lines), table(of(lines, "row")), sentences(lines), buttons(lines))) {
            part.setAlignmentX(Component.LEFT_ALIGNMENT);
            all.add(part);
        }
        var frame = new JFrame("Screen");
        frame.setDefaultCloseOperation(JFrame.EXIT_ON_CLOSE);
        frame.add(all);
        frame.pack();
        frame.setLocation(50, 60);
        frame.setVisible(true);
        // The window manager may still be placing the window; nothing moves after that.
        var once = new Timer(1500, event -> report(frame.getContentPane()));
        once.setRepeats(false);
        once.start();
    }

    /** The texts of the lines of a kind. */
    private static String[][] of(List<String[]> lines, String kind) {
        return lines.stream().filter(line -> line[0].equals(kind))
            .map(line -> Arrays.copyOfRange(line, 1, line.length)).toArray(String[][]::new);
    }

    private static JPanel form(List<String[]> lines) {
        var fields = new JPanel(new GridLayout(0, 2, 8, 6));
        for (String[] field : of(lines, "field")) {
            fields.add(new JLabel(field[0]));
            fields.add(new JTextField(field[1], 18));
        }
        var checks = new JPanel(new GridLayout(0, 1));
        String[][] texts = of(lines, "check");
        for (int n = 0; n < texts.length; n++) {
            var check = new JCheckBox(texts[n][0], n % 2 == 0);
            check.setEnabled(n != 3);
            checks.add(check);
        }
        var form = new JPanel(new FlowLayout(FlowLayout.LEFT, 12, 6));
        form.add(fields);
        form.add(checks);
        return form;
    }

    private static JTable table(String[][] rows) {
        var table = new JTable(rows, rows[0]);
        var amount = new DefaultTableCellRenderer();
        amount.setHorizontalAlignment(SwingConstants.RIGHT);
        int height = table.getFontMetrics(table.getFont()).getHeight();
        table.setRowHeight(height + 4);
        int[] widths = {4, 10, 18, 6, 10, 11};
        for (int column = 0; column < widths.length; column++) {
            table.getColumnModel().getColumn(column).setPreferredWidth(widths[column] * height * 2 / 3);
        }
        table.getColumnModel().getColumn(3).setCellRenderer(amount);
        table.getColumnModel().getColumn(4).setCellRenderer(amount);
        table.setRowSelectionInterval(2, 2);
        return table;
    }

    private static JPanel sentences(List<String[]> lines) {
        var panel = new JPanel(new GridLayout(0, 1, 0, 4));
        for (String[] sentence : of(lines, "sentence")) {
            panel.add(new JLabel(sentence[0]));
        }
        return panel;
    }

    private static JPanel buttons(List<String[]> lines) {
        var panel = new JPanel(new FlowLayout(FlowLayout.LEFT, 8, 8));
        String[][] texts = of(lines, "button");
        for (int n = 0; n < texts.length; n++) {
            var button = new JButton(texts[n][0]);
            button.setEnabled(n % 3 != 1);
            panel.add(button);
        }
        return panel;
    }

    private static void report(Container content) {
        collect(content);
        var out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        var at = content.getLocationOnScreen();
        out.printf("{\"area\": [%d, %d, %d, %d], \"words\": [%s]}%n",
            at.x, at.y, content.getWidth(), content.getHeight(), String.join(", ", WORDS));
    }

    private static void collect(Component shown) {
        if (shown instanceof JLabel label) {
            words(label, label.getText(), label, textOf(label, label.getText(), label.getIcon(),
                label.getHorizontalAlignment(), label.getIconTextGap()));
        } else if (shown instanceof AbstractButton button) {
            Icon icon = button instanceof JCheckBox ? UIManager.getIcon("CheckBox.icon") : null;
            words(button, button.getText(), button, textOf(button, button.getText(), icon,
                button.getHorizontalAlignment(), button.getIconTextGap()));
        } else if (shown instanceof JTextField field) {
            typed(field);
        } else if (shown instanceof JTable table) {
            cells(table);
        } else if (shown instanceof Container container) {
            Arrays.stream(container.getComponents()).forEach(Swing::collect);
        }
    }

    /** Where a component of a look and feel that lays out as Swing's own do puts its text. */
    private static Rectangle textOf(JComponent shown, String text, Icon icon, int align, int gap) {
        var insets = shown.getInsets();
        var inside = new Rectangle(insets.left, insets.top, shown.getWidth() - insets.left - insets.right,
            shown.getHeight() - insets.top - insets.bottom);
        var place = new Rectangle();
        SwingUtilities.layoutCompoundLabel(shown, shown.getFontMetrics(shown.getFont()), text, icon,
            SwingConstants.CENTER, align, SwingConstants.CENTER, SwingConstants.TRAILING, inside,
            new Rectangle(), place, gap);
        return place;
    }

    private static void typed(JTextField field) {
        try {
            words(field, field.getText(), field, field.modelToView2D(0).getBounds());
        } catch (BadLocationException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void cells(JTable table) {
        for (int row = 0; row < table.getRowCount(); row++) {
            for (int column = 0; column < table.getColumnCount(); column++) {
                var cell = table.getCellRect(row, column, false);
                var label = (JLabel) table.prepareRenderer(table.getCellRenderer(row, column), row, column);
                label.setBounds(cell);
                var place = textOf(label, label.getText(), null, label.getHorizontalAlignment(), 0);
                place.translate(cell.x, cell.y);
                words(label, label.getText(), table, place);
            }
        }
    }

    /** Adds the words of a text that starts at `place` of `on`, in the font of `shown`. */
    private static void words(JComponent shown, String text, JComponent on, Rectangle place) {
        var metrics = shown.getFontMetrics(shown.getFont());
        var corner = on.getLocationOnScreen();
        var words = Pattern.compile("\\S+").matcher(text);
        while (words.find()) {
            int left = corner.x + place.x + metrics.stringWidth(text.substring(0, words.start()));
            WORDS.add(String.format("[\"%s\", [%d, %d, %d, %d]]", quoted(words.group()), left,
                corner.y + place.y, metrics.stringWidth(words.group()), metrics.getHeight()));
        }
    }

    private static String quoted(String text) {
        return text.replace("\\", "\\\\").replace("\"", "\\\"");
    }
}
